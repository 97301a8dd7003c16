"""The `serving` section of params.yaml, read without Hydra, because a served Bento has none."""

import dataclasses
import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unmask.errors import ConfigError
from unmask.strict import read_dataclass

PARAMS = Path("params.yaml")
PREFIX = "UNMASK_SERVING_"
FACES = ("none", "mediapipe")
CAPTURES = ("none", "uncertain")


@dataclass
class ServingLimits:
    """Caps of one request; what they count and their units stand in params.yaml."""

    request_megabytes: float
    picture_megabytes: float
    picture_megapixels: float
    pictures: int
    decoding_megapixels: float
    clip_megabytes: float
    clip_seconds: float
    clip_frames: int
    concurrency: int
    held_megabytes: float
    timeout_s: float

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            _check(f"limits.{field.name}", value, "above 0", holds=value > 0)


@dataclass
class Serving:
    """How the service runs; each value is explained where it stands, in params.yaml."""

    workers: int
    threads: int
    batch: int
    faces: str
    state: str
    poll_s: float
    origins: list[str]
    token_file: str
    capture: str
    traffic_log: bool
    keep_days: int
    inbox_megabytes: float
    limits: ServingLimits

    def __post_init__(self) -> None:
        for key in ("workers", "threads", "poll_s", "keep_days"):
            _check(key, getattr(self, key), "at least 0", holds=getattr(self, key) >= 0)
        _check("batch", self.batch, "above 0", holds=self.batch > 0)
        _check("faces", self.faces, " or ".join(FACES), holds=self.faces in FACES)
        _check("capture", self.capture, " or ".join(CAPTURES), holds=self.capture in CAPTURES)


def params_file() -> Path:
    """The params.yaml in the Bento that holds this module, else the one in the current folder."""
    packed = Path(__file__).parents[1] / PARAMS
    return packed if packed.is_file() else PARAMS


def load_serving(path: Path, environment: Mapping[str, str] = os.environ) -> Serving:
    """Read the section and put what UNMASK_SERVING_* says in its place: UNMASK_SERVING_LIMITS_PICTURES=4.

    Raises:
        ConfigError: the file or the section is missing, or a key or a variable is unknown, of the wrong type or no
            sensible value.
    """
    section = _section(path)
    places = dict(_places(Serving))
    for name in sorted(name for name in environment if name.startswith(PREFIX)):
        if name not in places:
            raise ConfigError(f"{name}: no such setting; there are {', '.join(sorted(places))}")
        *parents, key = places[name]
        inner: Any = section
        for parent in parents:
            inner = inner.get(parent)
            if not isinstance(inner, dict):
                raise ConfigError(f"{path}: serving.{parent}: missing")
        inner[key] = _value(environment[name], name)
    try:
        return read_dataclass(Serving, section, "serving.")
    except ValueError as error:
        raise ConfigError(f"{path} and {PREFIX}*: {error}") from None


def _section(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigError(f"{path}: not found; run from the project's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from None
    section = document.get("serving") if isinstance(document, dict) else None
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: serving: missing")
    return section


def _check(key: str, value: object, wanted: str, *, holds: bool) -> None:
    if not holds:
        variable = PREFIX + key.replace(".", "_").upper()
        raise ConfigError(f"params.yaml: serving.{key} ({variable}): must be {wanted}, got {value!r}")


def _places(kind: Any, above: tuple[str, ...] = ()) -> list[tuple[str, tuple[str, ...]]]:
    """Each variable's name with the keys that lead to its value."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for key, hint in typing.get_type_hints(kind).items():
        place = (*above, key)
        found += _places(hint, place) if dataclasses.is_dataclass(hint) else [(PREFIX + "_".join(place).upper(), place)]
    return found


def _value(text: str, name: str) -> Any:
    try:
        return yaml.safe_load(text) if text else ""
    except yaml.YAMLError:
        raise ConfigError(f"{name}: {text!r} is no value") from None
