"""FaceForensics++ and, beside it, the DeepFakeDetection clips of paid actors.

    original_sequences/{youtube,actors}/{raw,c23,c40}/videos/<clip>.mp4
    manipulated_sequences/<Method>/{raw,c23,c40}/videos/<target>_<source>.mp4
    manipulated_sequences/<Method>/masks/videos/<target>_<source>.mp4

and `images/<clip>/<frame>.png` (or `frames/`) where frames were extracted. With splits/{train,val,test}.json, which
list the sequences that are swapped with each other, groups are known before the fakes arrive.

Checked against github.com/ondyari/FaceForensics, dataset/README.md (folders and what the names mean), dataset/splits/
val.json and dataset/extract_compressed_videos.py (extracted frames), github.com/polimi-ispl/icpr2020dfdc, index_ffpp.py
(a loader, also for the actors), and github.com/SCLBD/DeepfakeBench, preprocessing/rearrange.py (`frames` and where it
puts masks).
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from unmask.data.groups import components
from unmask.data.sources.layout import CAMERA, Finding, Found, without_suffix
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

SOURCE = "faceforensics"
COMPRESSIONS = ("raw", "c0", "c23", "c40")
_ORIGINALS, _FAKES = "original_sequences", "manipulated_sequences"
_KINDS = ("videos", "images", "frames")
_SEQUENCE = re.compile(r"\d{3}")
_SWAP = re.compile(r"(\d{3})_(\d{3})")
_SCENE = re.compile(r"(\d\d)__(\w+)")
_ACTED = re.compile(r"(\d\d)_(\d\d)__(\w+)__[A-Z0-9]{8}")


@dataclass(frozen=True)
class _Place:
    """A path taken apart: original_sequences or manipulated_sequences / of / compression / kind / clip / frame."""

    file: str
    part: str
    of: str
    compression: str
    kind: str
    clip: str
    ending: str

    @property
    def acted(self) -> bool:
        return self.of in {"actors", "DeepFakeDetection"}


class FaceForensics:
    """FaceForensics++ as its download script leaves it."""

    name = "faceforensics"
    selects = False
    expects = (
        "original_sequences/{youtube,actors}/{raw,c23,c40}/{videos,images}/... and "
        "manipulated_sequences/<Method>/{raw,c23,c40}/{videos,images}/..."
    )

    def recognises(self, tree: Tree) -> bool:
        """Whether a file lies where the download script puts one."""
        return any(_place(path) is not None for path in tree.paths)

    def find(self, tree: Tree, source: str) -> Finding:
        """Find originals, fakes and masks; the actors' clips are a source of their own."""
        finding = Finding(masks={path for path in tree.paths if _is_mask(path)})
        finding.pass_over(tree, "downloaded_videos", "models", "landmarks")
        places = [place for path in tree.paths if (place := _place(path)) is not None]
        swaps = _official_swaps(tree, finding)
        groups = sequence_groups([*(place.clip for place in places if not place.acted), *swaps])
        splits = {number: split for swap, split in swaps.items() for number in swap.split("_")}
        for place in places:
            name = f"{source or SOURCE}-actors" if place.acted else source or SOURCE
            found = _found(tree, place, name, groups, splits)
            if found is None:
                finding.refuse(place.file, "clip name is not one of FaceForensics++", source=name)
            else:
                finding.take(found)
        return finding


def sequence_groups(clips: Iterable[str]) -> dict[str, str]:
    """The group of each sequence number among CLIPS ("000", "000_003"): those that swaps connect share one."""
    swaps = [match.groups() for clip in sorted(set(clips)) if (match := _SWAP.fullmatch(clip))]
    numbers = sorted({number for swap in swaps for number in swap})
    row_of = {number: row for row, number in enumerate(numbers)}
    links = np.array([[row_of[target], row_of[donor]] for target, donor in swaps], dtype=np.int64).reshape(-1, 2)
    members: dict[int, list[str]] = {}
    for number, component in zip(numbers, components(len(numbers), links).tolist(), strict=True):
        members.setdefault(component, []).append(number)
    return {number: f"{group[0]}-{group[-1]}" for group in members.values() for number in group}


def target_of(clip: str) -> str:
    """The sequence whose frames a clip shows: "000" of "000_003" and of "000"; "" where it is neither."""
    match = _SWAP.fullmatch(clip) or _SEQUENCE.fullmatch(clip)
    return clip[:3] if match else ""


def _place(path: str) -> _Place | None:
    parts = path.split("/")
    if len(parts) < 5 or parts[0] not in {_ORIGINALS, _FAKES}:
        return None
    part, of, compression, kind = parts[:4]
    if compression not in COMPRESSIONS or kind not in _KINDS or len(parts) != (5 if kind == "videos" else 6):
        return None
    clip = without_suffix(parts[4]) if kind == "videos" else parts[4]
    return _Place(path, part, of, compression, kind, clip, path.partition(f"/{clip}")[2])


def _is_mask(path: str) -> bool:
    parts = path.split("/")
    return parts[0] == _FAKES and "masks" in parts[2:4]


def _official_swaps(tree: Tree, finding: Finding) -> dict[str, str]:
    """The official split of each swap ("000_003"), where the lists are beside the sequences."""
    split_of = {}
    for split in ("train", "val", "test"):
        for path in {f"splits/{split}.json", f"{split}.json"} & tree.members:
            finding.used.add(path)
            try:
                swaps = [f"{target}_{donor}" for target, donor in json.loads(tree.read(path, max_megabytes=10.0))]
            except (DataError, ValueError, TypeError, RecursionError) as error:
                raise DataError(f"{tree.at(path)}: is no list of pairs of sequences ({error})") from None
            split_of.update(dict.fromkeys(swaps, split))
    return split_of


def _found(tree: Tree, place: _Place, source: str, groups: dict[str, str], splits: dict[str, str]) -> Found | None:
    real = place.part == _ORIGINALS
    target, attributes = _take_apart(place.clip, real=real, acted=place.acted)
    if not target:
        return None
    original = f"{_ORIGINALS}/{'actors' if place.acted else 'youtube'}/{place.compression}/{place.kind}"
    return Found(
        place.file,
        source,
        place.file,
        "real" if real else "fake",
        CAMERA if real else place.of,
        group=actor_group(place.clip) if place.acted else groups.get(target, target),
        clip=f"{place.of}/{place.compression}/{place.clip}",
        pair="" if real else f"{original}/{target}{place.ending}",
        mask="" if real else _mask(tree, place),
        attributes={"compression": place.compression, "official_split": splits.get(target, ""), **attributes},
    )


def actor_group(clip: str) -> str:
    """The paid actor filmed in a clip of DeepFakeDetection, as a group; "" where the name tells none."""
    return f"actor-{clip[:2]}" if _SCENE.fullmatch(clip) or _ACTED.fullmatch(clip) else ""


def actor_original(clip: str) -> str:
    """The name of the original of a fake clip of DeepFakeDetection, "" where it is none."""
    match = _ACTED.fullmatch(clip)
    return f"{match[1]}__{match[3]}" if match else ""


def _take_apart(clip: str, *, real: bool, acted: bool) -> tuple[str, dict[str, str]]:
    """The original that a clip shows, "" where its name is none of the data set's, and what else the name tells."""
    if not acted:
        match = (_SEQUENCE if real else _SWAP).fullmatch(clip)
        return (clip[:3], {} if real else {"donor": clip[4:]}) if match else ("", {})
    match = (_SCENE if real else _ACTED).fullmatch(clip)
    if match is None:
        return "", {}
    if real:
        return clip, {"scene": match[2]}
    # The donor's clips are not linked: actors swap faces all round, and one group of all would leave nothing to split.
    return actor_original(clip), {"scene": match[3], "donor": match[2]}


def _mask(tree: Tree, place: _Place) -> str:
    start = f"{_FAKES}/{place.of}"
    ends = [f"{start}/masks/{place.kind}/{place.clip}{place.ending}"]
    if place.kind == "frames":
        ends += [f"{start}/{level}/masks/{place.clip}{place.ending}" for level in (place.compression, "c23")]
    return next((file for file in ends if file in tree.members), "")
