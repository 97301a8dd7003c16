"""Strict reading of JSON into dataclasses: every key known, present and of its type."""

import dataclasses
import typing
from typing import Any, Literal, TypeVar

T = TypeVar("T")


def read_dataclass(kind: type[T], value: object, where: str = "") -> T:
    """Build KIND from parsed JSON; lists, string-keyed objects and nested dataclasses are followed.

    Raises:
        ValueError: a key is unknown, missing or of the wrong type; the message begins with its dotted name.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{where.rstrip('.') or 'top level'}: must be an object")
    hints = typing.get_type_hints(kind)
    for key in sorted(value.keys() - hints.keys()):
        raise ValueError(f"{where}{key}: unknown key")
    for key in sorted(hints.keys() - value.keys()):
        raise ValueError(f"{where}{key}: missing")
    return kind(**{key: _read_value(hint, value[key], f"{where}{key}") for key, hint in hints.items()})


def _read_value(hint: Any, value: object, where: str) -> object:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return read_dataclass(typing.cast("type[object]", hint), value, f"{where}.")
    if origin is list and isinstance(value, list):
        return [_read_value(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _read_value(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    if hint is Any or type(value) is hint or (origin is Literal and value in arguments):
        return value
    expected = " or ".join(arguments) if origin is Literal else getattr(origin or hint, "__name__", str(hint))
    raise ValueError(f"{where}: must be {expected}")
