"""The aims of the benchmark and what became of each: arithmetic on compared numbers, nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.methods.compare import Number
from unmask.evaluation.bootstrap import Interval

Compared = Mapping[tuple[str, str], Mapping[str, Number]]  # (protocol, column) -> candidate or difference -> number
BASE = "erm"
STUDENT_LOSS = 0.01
RANKED = ("recall", "unseen", "seen")  # recall at a threshold that lets other reals through is not among them


@dataclass(frozen=True)
class Aim:
    """A preset's difference to the base in one column, and the least that it should be."""

    protocol: str
    column: str
    preset: str
    least: float

    @property
    def text(self) -> str:
        """The aim in words."""
        what = "recall at 5 % false positives" if self.column == "recall" else f"AUC ({self.column})"
        wanted = f"at least {self.least:.2f} above" if self.least > 0 else f"at most {-self.least:.2f} below"
        return f"{self.protocol}: {self.preset} {wanted} {BASE} in {what}"


AIMS = (
    Aim("labels", "seen", "sclkd", 0.05),
    Aim("domain", "unseen", "sagnet", 0.03),
    Aim("domain", "seen", "sagnet", -0.01),
    Aim("manipulations", "unseen", "sjedd", 0.03),
    Aim("stylegan2", "recall", "full", 0.05),
    Aim("sdxl", "recall", "full", 0.05),
)


@dataclass(frozen=True)
class Outcome:
    """What was aimed at, what was found, and by how much it is missed (0 where it is met)."""

    text: str
    found: float
    interval: Interval | None
    missed_by: float

    @property
    def met(self) -> bool:
        """Whether the mean reaches the aim; the interval says how sure that is."""
        return self.missed_by <= 0


def outcomes(compared: Compared, students: Mapping[tuple[str, str], Number]) -> Iterator[Outcome]:
    """Every aim whose cells are finished; STUDENTS are student minus teacher by protocol and preset."""
    for aim in AIMS:
        number = compared.get((aim.protocol, aim.column), {}).get(f"{aim.preset} - {BASE}")
        if number:
            yield Outcome(aim.text, number.mean, number.interval, _short(aim.least, number.mean))
    for (protocol, column), numbers in compared.items():
        if column in RANKED:
            yield from _best(protocol, column, numbers)
    for (protocol, preset), number in students.items():
        text = f"{protocol}: the student of {preset} at most {STUDENT_LOSS:.2f} AUC below its teacher"
        yield Outcome(text, number.mean, number.interval, _short(-STUDENT_LOSS, number.mean))


def _best(protocol: str, column: str, numbers: Mapping[str, Number]) -> Iterator[Outcome]:
    """`full` is best, or within its own spread of the best."""
    presets = {name: number for name, number in numbers.items() if " - " not in name}
    if "full" not in presets or len(presets) < 2:
        return
    full = presets["full"]
    rival = max((name for name in presets if name != "full"), key=lambda name: presets[name].mean)
    behind = full.mean - presets[rival].mean
    text = f"{protocol}, {column}: full best or within its spread of the best other ({rival})"
    yield Outcome(text, behind, None, _short(-(full.spread or 0.0), behind))


def _short(least: float, found: float) -> float:
    return max(0.0, least - found)
