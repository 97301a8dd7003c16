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


@dataclass
class ServingLimits:
    """Caps of one request; what they count and their units stand in params.yaml."""

    request_megabytes: float
    picture_megabytes: float
    picture_megapixels: float
    pictures: int
    clip_megabytes: float
    clip_seconds: float
    clip_frames: int
    concurrency: int
    held_megabytes: float
    timeout_s: float


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
    limits: ServingLimits


def params_file() -> Path:
    """The params.yaml in the Bento that holds this module, else the one in the current folder."""
    packed = Path(__file__).parents[1] / PARAMS
    return packed if packed.is_file() else PARAMS


def load_serving(path: Path, environment: Mapping[str, str] = os.environ) -> Serving:
    """Read the section and put what UNMASK_SERVING_* says in its place: UNMASK_SERVING_LIMITS_PICTURES=4.

    Raises:
        ConfigError: the file or the section is missing, or a key or a variable is unknown or of the wrong type.
    """
    try:
        section = yaml.safe_load(path.read_text(encoding="utf-8"))["serving"]
    except OSError:
        raise ConfigError(f"{path}: not found; run from the project's root") from None
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ConfigError(f"{path}: serving: {str(error).splitlines()[0]}") from None
    places = dict(_places(Serving))
    for name in sorted(name for name in environment if name.startswith(PREFIX)):
        if name not in places:
            raise ConfigError(f"{name}: no such setting; there are {', '.join(sorted(places))}")
        *parents, key = places[name]
        inner = section
        for parent in parents:
            inner = inner[parent]
        inner[key] = _value(environment[name], name)
    try:
        return read_dataclass(Serving, section, "serving.")
    except ValueError as error:
        raise ConfigError(f"{path} and {PREFIX}*: {error}") from None


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
