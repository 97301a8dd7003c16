"""Write a published recipe into params.yaml, where a person and DVC see every value of it."""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase, CommentedMap, CommentedSeq

from unmask.config import Config, load_config
from unmask.errors import ConfigError
from unmask.files import replacing

FOLDER = Path(__file__).parent
PARAMS = "params.yaml"


@dataclass(frozen=True)
class Change:
    """One setting that a preset changes, with its values as they are written."""

    key: str
    before: str
    after: str


def presets() -> dict[str, str]:
    """What each preset is, by name: the first line of its file."""
    return {
        file.stem: file.read_text().partition("\n")[0].removeprefix("#").strip()
        for file in sorted(FOLDER.glob("*.yaml"))
    }


def apply_preset(name: str, root: Path, *, write: bool) -> list[Change]:
    """Set the preset's values in ROOT/params.yaml, comments and all else kept; without WRITE only say which.

    Raises:
        ConfigError: there is no such preset, or params.yaml is not sound before or after.
    """
    if name not in presets():
        raise ConfigError(f"no preset {name!r}; there are {', '.join(presets())}")
    load_config(root)
    yaml = _round_trip()
    document = yaml.load(root / PARAMS)
    changes = list(_set(Config, yaml.load(FOLDER / f"{name}.yaml"), document))
    with tempfile.TemporaryDirectory() as folder:
        tried = Path(folder) / PARAMS
        yaml.dump(document, tried)
        load_config(tried.parent)
        if write and changes:
            with replacing(root / PARAMS) as temporary:
                temporary.write_bytes(tried.read_bytes())
    return changes


def _set(section: Any, wanted: dict[str, Any], document: dict[str, Any], above: str = "") -> Iterator[Change]:
    """Write wanted values into a document of the same shape; free-form values (args, lists) are replaced whole."""
    types = {field.name: field.type for field in fields(section)}
    for name, value in wanted.items():
        key = above + name
        if name not in types:
            raise ConfigError(f"{PARAMS} has no {key}")
        if is_dataclass(types[name]):
            yield from _set(types[name], value, document[name], f"{key}.")
        elif document[name] != value:
            yield Change(key, _text(document[name]), _text(value))
            document[name] = _in_place_of(document[name], value)


def _in_place_of(old: Any, value: Any) -> Any:
    """The value with the comments of the one before it, which say what the setting is for."""
    fresh = _without_comments(value)
    if isinstance(old, CommentedBase):
        old.copy_attributes(fresh)
    return fresh


def _text(value: Any) -> str:
    written = io.StringIO()
    _round_trip().dump(_without_comments(value), written)
    return written.getvalue().removesuffix("...\n").strip()


def _without_comments(value: Any) -> Any:
    if not isinstance(value, CommentedMap | CommentedSeq):
        return value
    plain = type(value)(value)
    plain.fa.set_flow_style()
    return plain


def _round_trip() -> YAML:
    yaml = YAML()
    yaml.width = 10_000  # no line is wrapped
    yaml.preserve_quotes = True
    return yaml
