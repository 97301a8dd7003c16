"""Deepfake Detection Challenge: parts with a metadata.json each.

    dfdc_train_part_<N>/metadata.json   {"<clip>.mp4": {"label": "FAKE", "split": "train", "original": "<clip>.mp4"}}
    dfdc_train_part_<N>/<clip>.mp4

one part or many, at any depth; or `frames/<clip>/<frame>.png` in a part. Checked against github.com/polimi-ispl/
icpr2020dfdc, test/data/dfdc/dfdc_train_part_0/metadata.json (a published part's file) and index_dfdc.py (its
loader), github.com/selimsef/dfdc_deepfake_challenge, preprocessing/utils.py (originals), and github.com/SCLBD/
DeepfakeBench, preprocessing/rearrange.py (`frames`).
"""

import json
import re
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from unmask.data.sources.layout import CAMERA, Finding, Found, without_suffix
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

SOURCE = "dfdc"
_METADATA = "metadata.json"
_MAX_METADATA_MEGABYTES = 64.0
_MOST_LOOKED_AT = 32
_LOOKS = re.compile(rb'"label"\s*:\s*"(REAL|FAKE)"')
_LABELS = {"REAL": "real", "FAKE": "fake"}


class Dfdc:
    """DFDC's training parts. Which of its methods made a fake is not published: the generator is `dfdc`."""

    name = "dfdc"
    selects = False
    expects = "dfdc_train_part_<N>/<clip>.mp4 with dfdc_train_part_<N>/metadata.json (label, split, original)"

    def recognises(self, tree: Tree) -> bool:
        """Whether a metadata.json begins with labels."""
        candidates = islice((path for path in tree.paths if _is_metadata(path)), _MOST_LOOKED_AT)
        return any(_LOOKS.search(_head(tree, path)) for path in candidates)

    def find(self, tree: Tree, source: str) -> Finding:
        """Find the clips that a part's metadata.json names.

        Raises:
            DataError: a metadata.json is no JSON object.
        """
        finding, source = Finding(), source or SOURCE
        parts = {path[: -len(_METADATA)]: _read(tree, path) for path in tree.paths if _is_metadata(path)}
        finding.pass_over(tree, "landmarks")
        finding.used.update(f"{part}{_METADATA}" for part in parts)
        where = {clip: part for part, clips in parts.items() for clip in clips}
        here = set()
        for path in tree.paths:
            part = next((folder for folder in _folders(path) if folder in parts), None)
            if part is not None and path not in finding.used:
                clip = _clip(path[len(part) :])
                here.add(part + clip)
                placed = _place(path, part, clip, parts[part].get(clip), where=where, source=source)
                if isinstance(placed, str):
                    finding.refuse(path, placed, source=source)
                else:
                    finding.take(placed)
        absent = sorted(clip for clip, part in where.items() if part + clip not in here)
        finding.note(absent, "{} clips that metadata.json names are not here")
        return finding


def _is_metadata(path: str) -> bool:
    return PurePosixPath(path).name == _METADATA


def _head(tree: Tree, path: str) -> bytes:
    try:
        return tree.head(path, 4096)
    except DataError:
        return b""


def _read(tree: Tree, path: str) -> dict[str, Any]:
    try:
        clips = json.loads(tree.read(path, max_megabytes=_MAX_METADATA_MEGABYTES))
    except (DataError, ValueError, RecursionError) as error:
        raise DataError(f"{tree.at(path)}: can't be read as JSON ({error})") from None
    if not isinstance(clips, dict):
        raise DataError(f"{tree.at(path)}: must be an object of clips, each with a label")
    return clips


def _folders(path: str) -> list[str]:
    """The folders that a path lies in, the nearest first, each with a slash at the end."""
    return [f"{folder}/" if str(folder) != "." else "" for folder in PurePosixPath(path).parents]


def _clip(path: str) -> str:
    """The clip, as metadata.json names it, that a path below its part is or belongs to; "" for another path."""
    first, *rest = path.split("/")
    if not rest:
        return first
    return f"{rest[0]}.mp4" if first == "frames" and len(rest) == 2 else ""


def _place(path: str, part: str, clip: str, entry: object, *, where: dict[str, str], source: str) -> Found | str:
    if not clip:
        return "not a clip of its part's folder"
    if not isinstance(entry, dict):
        return "metadata.json has no entry for it"
    if not entry.get("label"):
        return "metadata.json gives it no label"
    label = _LABELS.get(str(entry["label"]), "")
    if not label:
        return f"metadata.json gives it the label {str(entry['label'])[:40]!r}, not REAL or FAKE"
    original = str(entry.get("original") or "") if label == "fake" else ""
    is_frame = "/" in path[len(part) :]
    original_file = f"frames/{without_suffix(original)}/{path.rpartition('/')[2]}" if is_frame else original
    return Found(
        path,
        source,
        path,
        label,
        CAMERA if label == "real" else SOURCE,
        group=without_suffix(original or clip),
        clip=part + without_suffix(clip),
        pair=f"{where.get(original, part)}{original_file}" if original else "",
        attributes={"official_split": str(entry.get("split", ""))},
    )
