"""Celeb-DF v2.

    Celeb-real/<id>_<number>.mp4  YouTube-real/<number>.mp4
    Celeb-synthesis/<target>_<donor>_<number>.mp4  List_of_testing_videos.txt

or `videos/<clip>.mp4` and `frames/<clip>/<frame>.png` below each of the three. Checked against github.com/yuezunli/
celeb-deepfakeforensics, Celeb-DF-v2/README.md (folders), github.com/polimi-ispl/icpr2020dfdc, index_celebdf.py
(which original a name points to, the list's columns), and github.com/SCLBD/DeepfakeBench, preprocessing/
preprocess.py and rearrange.py (`videos` and `frames`).
"""

import re

from unmask.data.sources.layout import CAMERA, Finding, Found, without_suffix
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

SOURCE = "celeb-df"
_TEST_LIST = "List_of_testing_videos.txt"
_LABELS = {"celeb-real": "real", "youtube-real": "real", "celeb-synthesis": "fake"}
_KINDS = ("videos", "frames", "images")
_ORIGINAL = re.compile(r"(id\d+)_\d+")
_FAKE = re.compile(r"(id\d+)_(id\d+)_(\d+)")


class CelebDF:
    """Celeb-DF v2 as it is unpacked, or as DeepfakeBench arranges it."""

    name = "celeb-df"
    selects = False
    expects = "Celeb-real/, YouTube-real/, Celeb-synthesis/ and List_of_testing_videos.txt"

    def recognises(self, tree: Tree) -> bool:
        """Whether fakes and reals lie in folders of these names."""
        folders = {name.rstrip("/").lower() for name in tree.top if name.endswith("/")}
        return "celeb-synthesis" in folders and bool(folders & {"celeb-real", "youtube-real"})

    def find(self, tree: Tree, source: str) -> Finding:
        """Find the clips; the official test clips have the attribute official_split."""
        finding, source = Finding(), source or SOURCE
        finding.pass_over(tree, "landmarks")
        tested = _tested(tree, finding)
        contradicted = []
        for path in tree.paths:
            parts = path.split("/")
            label = _LABELS.get(parts[0].lower(), "")
            tail = [part for part in parts[1:] if part not in _KINDS]
            if not label or len(tail) not in {1, 2}:
                continue
            clip = without_suffix(tail[0]) if len(tail) == 1 else tail[0]
            listed = tested.get((parts[0].lower(), clip))
            split = ("test" if listed else "train") if tested else ""
            found = _found(path, source, label, clip, split)
            if found is None:
                finding.refuse(path, "clip name is not one of Celeb-DF", source=source)
                continue
            if listed not in {None, label}:
                contradicted.append(path)
            finding.take(found)
        finding.note(contradicted, f"{tree.at(_TEST_LIST)}: {{}} clips have another label there, their folder's counts")
        return finding


def celeb_group(clip: str) -> str:
    """The person whose footage a clip shows, "" where the name tells none."""
    # The donor is not linked: the 59 people swap faces all round, and one group would leave nothing to split.
    match = _FAKE.fullmatch(clip) or _ORIGINAL.fullmatch(clip)
    return match[1] if match else ""


def celeb_original(clip: str) -> str:
    """The name of the original of a fake clip, "" where it is none."""
    match = _FAKE.fullmatch(clip)
    return f"{match[1]}_{match[3]}" if match else ""


def _found(path: str, source: str, label: str, clip: str, split: str) -> Found | None:
    folder, _, _ = path.partition("/")
    group, original = celeb_group(clip), celeb_original(clip)
    youtube = folder.lower() == "youtube-real"
    if not youtube and (not group or (label == "fake") != bool(original)):
        return None
    return Found(
        path,
        source,
        path,
        label,
        CAMERA if label == "real" else folder,
        group=f"{folder}-{clip}" if youtube else group,
        clip=f"{folder}/{clip}",
        pair=f"Celeb-real{path[len(folder) :].replace(clip, original, 1)}" if original else "",
        attributes={"official_split": split, "donor": clip.split("_")[1] if original else ""},
    )


def _tested(tree: Tree, finding: Finding) -> dict[tuple[str, str], str]:
    """Label of each clip of the official test list (1 real, 0 fake), by folder and clip."""
    if _TEST_LIST not in tree.members:
        finding.notes.append(f"{tree.at(_TEST_LIST)}: missing, so the official test clips are not marked")
        return {}
    finding.used.add(_TEST_LIST)
    try:
        lines = tree.read(_TEST_LIST, max_megabytes=10.0).decode("utf-8", "replace").splitlines()
    except DataError as error:
        raise DataError(f"{tree.at(_TEST_LIST)}: {error}") from error
    rows = [line.split(maxsplit=1) for line in lines if line.strip()]
    odd = [" ".join(row) for row in rows if len(row) != 2 or row[0] not in {"0", "1"} or "/" not in row[1]]
    finding.note(odd, f"{tree.at(_TEST_LIST)}: {{}} lines are not `<0 or 1> <folder>/<clip>`, left out")
    tested = {}
    for flag, path in (row for row in rows if " ".join(row) not in odd):
        folder, _, file = path.strip().partition("/")
        tested[folder.lower(), without_suffix(file)] = "real" if flag == "1" else "fake"
    return tested
