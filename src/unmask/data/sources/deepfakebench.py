"""DeepfakeBench's lists of frames.

    <dataset>.json   {dataset: {class: {split: {[compression:] {clip: {"label": class, "frames": [path, ...]}}}}}}

at the root or in a folder of it, beside the data sets' folders (FaceForensics++/..., Celeb-DF-v2/...) with their
`frames` and `masks`. Paths may have backslashes and may begin with another machine's folders; they are looked up among
the files below the root only. Checked against github.com/SCLBD/DeepfakeBench: preprocessing/rearrange.py (writes the
lists), training/dataset/abstract_dataset.py (reads them, and where masks are) and training/config/test_config.yaml
(which classes are real).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from unmask.data.sources.celeb_df import celeb_group, celeb_original
from unmask.data.sources.faceforensics import COMPRESSIONS, actor_group, actor_original, sequence_groups, target_of
from unmask.data.sources.layout import CAMERA, Finding, Found
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

_MAX_LIST_MEGABYTES = 2_000.0
_MOST_LOOKED_AT = 1000  # a data set may keep a JSON file beside each picture
_DEEPEST = 8
_LOOKS = re.compile(rb'"label"\s*:\s*"[^"]*"\s*,\s*"frames"\s*:')
_FAMILY = "FaceForensics++"


@dataclass(frozen=True)
class _Clip:
    dataset: str
    kind: str
    compression: str
    name: str
    frames: list[str]

    @property
    def label(self) -> str:
        """The label that DeepfakeBench's configuration gives the class, "" for a class it does not know."""
        kind = self.kind.lower()
        if "real" in kind:
            return "real"
        return "fake" if "fake" in kind or kind.startswith("ff-") else ""

    @property
    def swapped(self) -> bool:
        return self.kind.upper().startswith("FF-")


class DeepfakeBench:
    """The lists that DeepfakeBench's rearrange step writes, with the frames that they name."""

    name = "deepfakebench"
    selects = True
    expects = "<dataset>.json of DeepfakeBench (class, split, clip, then label and frames) beside the frames' folders"

    def recognises(self, tree: Tree) -> bool:
        """Whether a JSON file begins with clips that have a label and frames."""
        return any(islice(_lists(tree), 1))

    def find(self, tree: Tree, source: str) -> Finding:
        """Find the frames that the lists name, each once.

        Raises:
            DataError: a list can't be parsed.
        """
        lists = list(_lists(tree))
        finding = Finding(used=set(lists))
        finding.masks = {path for path in tree.paths if "masks" in path.split("/")[:-1]}
        clips = [clip for path in lists for clip in _clips(tree, path)]
        groups = sequence_groups(clip.name for clip in clips if clip.swapped)
        for clip in clips:
            name = source or (_FAMILY if clip.swapped else clip.dataset)
            # The lists share frames: one that is refused is refused once.
            for frame in (frame for frame in clip.frames if frame not in finding.used):
                file = _look_up(tree, frame)
                if not file:
                    finding.refuse(frame, "no such file below the list's folder", source=name)
                elif not clip.label:
                    reason = f"class {clip.kind[:40]!r} is neither real nor fake in DeepfakeBench"
                    finding.refuse(file, reason, source=name)
                else:
                    finding.take(_found(tree, clip, file, source=name, groups=groups))
        return finding


def _lists(tree: Tree) -> Iterator[str]:
    near = (path for path in tree.paths if path.endswith(".json") and path.count("/") < 3)
    for path in [tree.chosen] if tree.chosen else islice(near, _MOST_LOOKED_AT):
        if _LOOKS.search(_head(tree, path)):
            yield path


def _head(tree: Tree, path: str) -> bytes:
    try:
        return tree.head(path, 65536)
    except DataError:
        return b""


def _clips(tree: Tree, path: str) -> Iterator[_Clip]:
    try:
        node = json.loads(tree.read(path, max_megabytes=_MAX_LIST_MEGABYTES))
    except (DataError, ValueError, RecursionError) as error:
        raise DataError(f"{tree.at(path)}: can't be read as JSON ({error})") from None
    yield from _walk(node, ())


def _walk(node: Any, keys: tuple[str, ...]) -> Iterator[_Clip]:
    if not isinstance(node, dict) or len(keys) > _DEEPEST:
        return
    frames = node.get("frames")
    if isinstance(frames, list) and len(keys) > 1:
        compression = next((key for key in keys if key in COMPRESSIONS), "")
        kind = str(node.get("label") or keys[1])
        yield _Clip(keys[0], kind, compression, keys[-1], [str(frame) for frame in frames])
        return
    for key, child in node.items():
        yield from _walk(child, (*keys, str(key)))


def _look_up(tree: Tree, frame: str) -> str:
    parts = frame.replace("\\", "/").split("/")
    # The folders of the machine that wrote the list are dropped one by one until the rest is a file of the tree.
    rests = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((rest for rest in rests if rest in tree.members), "")


def _found(tree: Tree, clip: _Clip, file: str, *, source: str, groups: dict[str, str]) -> Found:
    target = target_of(clip.name) if clip.swapped else ""
    fake = clip.label == "fake"
    mask = file.replace("/frames/", "/masks/")
    return Found(
        file,
        source,
        file,
        clip.label,
        clip.kind if fake else CAMERA,
        group=groups.get(target, target) or actor_group(clip.name) or celeb_group(clip.name) or clip.name,
        clip="/".join(filter(None, (clip.kind, clip.compression, clip.name))),
        pair=_original(clip, file, target) if fake else "",
        mask=mask if fake and mask != file and mask in tree.members else "",
        attributes={"compression": clip.compression},
    )


def _original(clip: _Clip, file: str, target: str) -> str:
    frame = file.rpartition("/")[2]
    root, found, _ = file.partition("manipulated_sequences/")
    if target and found:
        return f"{root}original_sequences/youtube/{clip.compression}/frames/{target}/{frame}"
    if found and (scene := actor_original(clip.name)):
        return f"{root}original_sequences/actors/{clip.compression}/frames/{scene}/{frame}"
    root, found, _ = file.partition("Celeb-synthesis/")
    original = celeb_original(clip.name)
    return f"{root}Celeb-real/frames/{original}/{frame}" if original and found else ""
