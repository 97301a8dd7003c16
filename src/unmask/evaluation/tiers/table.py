"""The named degradations as data: tiers, which are fixed, and sweeps, whose points `evaluate.tiers` chooses."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unmask.config import Tiers
from unmask.errors import ConfigError
from unmask.evaluation.tiers import steps
from unmask.evaluation.tiers.steps import Step
from unmask.evaluation.tiers.view import View


@dataclass(frozen=True)
class Sweep:
    """One step over several strengths, which lie within LOW and HIGH; MEANING names the strength for an axis."""

    step: Step
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Degradation:
    """A tier or one point of a sweep: its steps, one after another, each with its strength."""

    name: str
    steps: tuple[tuple[Step, float], ...]
    sweep: str | None = None
    x: float | None = None

    def __call__(self, view: View, generator: np.random.Generator) -> View:
        """The degraded view; equal draws give equal pixels.

        Raises:
            DataError: the picture can't be stored in the tier's format.
        """
        for step, strength in self.steps:
            view = step(view, strength, generator)
        return view


CLEAN = Degradation("clean", ())
TIERS: Mapping[str, Degradation] = {
    "web": Degradation("web", ((steps.longest_side, 768), (steps.jpeg, 60))),
    "hard": Degradation("hard", ((steps.scale, 0.5), (steps.longest_side, 512), (steps.jpeg, 40))),
}
SWEEPS: Mapping[str, Sweep] = {
    "jpeg": Sweep(steps.jpeg, 1, 100, "JPEG quality"),
    "webp": Sweep(steps.webp, 1, 100, "WebP quality"),
    "scale": Sweep(steps.scale, 0.01, 1, "scale"),
    "blur": Sweep(steps.blur, 0, 20, "blur, sigma in px"),
    "noise": Sweep(steps.noise, 0, 1, "noise, standard deviation of 1"),
    "crop": Sweep(steps.crop, 0.01, 1, "share of each side kept"),
    "screenshot": Sweep(steps.screenshot, 0.01, 8, "size on the screen"),
}


def degradations(settings: Tiers) -> tuple[Degradation, ...]:
    """What `evaluate.tiers` asks for: clean, the tiers, then each sweep's points in rising order.

    Raises:
        ConfigError: a tier or sweep is unknown, or a strength out of its range; the message names the key.
    """
    if settings.rows < 1:
        raise ConfigError(f"evaluate.tiers.rows: must be at least 1, got {settings.rows}")
    tiers = [TIERS[_known(name, TIERS, "named")] for name in dict.fromkeys(settings.named)]
    points = [
        _point(_known(name, SWEEPS, "sweeps"), x)
        for name, strengths in settings.sweeps.items()
        for x in _rising(strengths)
    ]
    return (CLEAN, *tiers, *points)


def _rising(strengths: list[float]) -> list[float]:
    return sorted(set(strengths))


def _point(name: str, x: float) -> Degradation:
    sweep = SWEEPS[name]
    if not sweep.low <= x <= sweep.high:
        raise ConfigError(f"evaluate.tiers.sweeps.{name}: {x:g} is not within {sweep.low:g}..{sweep.high:g}")
    return Degradation(f"{name} {x:g}", ((sweep.step, x),), sweep=name, x=x)


def _known(name: str, table: Mapping[str, object], key: str) -> str:
    if name not in table:
        raise ConfigError(f"evaluate.tiers.{key}: {name!r} is not one of {', '.join(table)}")
    return name
