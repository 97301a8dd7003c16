"""What the drill came to: figures, a table for the terminal, JSON, and a picture of the scores over time."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drill.drill import Outcome
from benchmarks.drill.measure import Change, compare, false_positive_rate
from benchmarks.drill.pictures import Material, Picture
from benchmarks.drill.traffic import Sent
from unmask.files import replacing, write_json

REALS, KNOWN = "photographs", "known generators"
BEFORE, AFTER, WORSE = 0.5, 0.85, 0.02  # the aim: recall from below, to at least; what an old generator may lose


@dataclass(frozen=True)
class Figures:
    """The drill in numbers; None is what did not come. Minutes are from the newcomer's first picture."""

    newcomer: str
    rate: float
    requests_to_alarm: int | None
    of_the_newcomer: int | None
    minutes_to_alarm: float | None
    calm_windows: int
    calm_alarms: int
    looked_at: int
    labels: int
    labels_by_generator: dict[str, int]
    minutes_to_promotion: float | None
    requests: int
    lost: int
    refusals: dict[str, int]
    slowest_s: float
    p99_s: float
    errors: list[str]
    fpr_own: tuple[float, float | None]
    recall_before: float
    changes: list[Change]
    failure: str
    staging_minutes: float
    drill_minutes: float
    note: str

    @property
    def met(self) -> bool:
        """Whether the aim was met."""
        new, old = self.of(self.newcomer), [one for one in self.changes if one.generator != self.newcomer]
        learned = new is not None and new.recall[0] < BEFORE and new.recall[1] >= AFTER
        return not self.failure and learned and self.lost == 0 and all(one.change >= -WORSE for one in old)

    def of(self, generator: str) -> Change | None:
        """The change on a generator; None where no challenger was promoted."""
        return next((one for one in self.changes if one.generator == generator), None)


def figures(outcome: Outcome, material: Material, *, rate: float, seed: int, minutes: tuple[float, float]) -> Figures:
    """Count and compare; RATE is the false-positive rate at which recalls are held against each other.

    MINUTES are those in which the stage was set, champion and pictures, and those of all that came then.
    """
    pictures, before, after = material.held_out, outcome.before, outcome.after
    until_alarm = [one for one in outcome.sent if _between(outcome.began, one.time, outcome.alarm)]
    alone = compare(pictures, before, before, rate=rate, seed=seed)
    return Figures(
        newcomer=material.newcomer,
        rate=rate,
        requests_to_alarm=len(until_alarm) if outcome.alarm else None,
        of_the_newcomer=_of(until_alarm, material.newcomer) if outcome.alarm else None,
        minutes_to_alarm=_minutes(outcome.began, outcome.alarm),
        calm_windows=len(outcome.calm),
        calm_alarms=sum(one.drifted for one in outcome.calm),
        looked_at=len(outcome.review.looked_at),
        labels=len(outcome.review.reported),
        labels_by_generator=dict(Counter(one.picture.generator for one in outcome.review.reported)),
        minutes_to_promotion=_minutes(outcome.began, outcome.promoted),
        requests=len(outcome.sent),
        lost=sum(bool(one.error) for one in outcome.sent),
        refusals={str(status): count for status, count in sorted(outcome.refusals.items())},
        slowest_s=max((one.seconds for one in outcome.sent), default=0.0),
        p99_s=float(np.percentile([one.seconds for one in outcome.sent] or [0.0], 99)),
        errors=sorted({one.error for one in outcome.sent if one.error}),
        fpr_own=(false_positive_rate(pictures, before), false_positive_rate(pictures, after) if after else None),
        recall_before=next(one.recall[0] for one in alone if one.generator == material.newcomer),
        changes=compare(pictures, before, after, rate=rate, seed=seed) if after else [],
        failure=outcome.failure,
        staging_minutes=minutes[0],
        drill_minutes=minutes[1],
        note=material.note,
    )


def lines(found: Figures) -> Iterator[str]:
    """The summary as Markdown."""
    new = found.of(found.newcomer)
    after = f"{new.recall[1]:.2f}" if new else "no challenger was promoted"
    kinds = ", ".join(f"{count} {name}" for name, count in sorted(found.labels_by_generator.items()))
    rows = {
        f"recall on {found.newcomer} before, {found.rate:.0%} of photographs called fake": f"{found.recall_before:.2f}",
        "requests from its first picture to the alarm": _shown(found.requests_to_alarm),
        "of them its own": _shown(found.of_the_newcomer),
        "minutes from its first picture to the alarm": _shown(found.minutes_to_alarm),
        "before it came": f"{found.calm_windows} calm windows were judged, {found.calm_alarms} alarmed",
        "labels given": f"{found.labels} ({kinds or 'none'}), {found.looked_at} pictures looked at",
        "minutes from its first picture to the promoted model": _shown(found.minutes_to_promotion),
        f"recall on {found.newcomer} after, same rate": after,
        "requests lost": f"{found.lost} of {found.requests:,}",
        "answers other than 200, after which the client sent again or gave up": ", ".join(
            f"{count} of {status}" for status, count in found.refusals.items()
        )
        or "none",
        "seconds to an answer, 99 % / slowest": f"{found.p99_s:.2f} / {found.slowest_s:.2f}",
        "minutes of setting the stage, champion and pictures": _shown(found.staging_minutes),
        "minutes of the drill then": _shown(found.drill_minutes),
    }
    yield from ("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items()), "")
    if found.changes:
        yield f"| generator | pictures | recall at {found.rate:.0%} | change | AUC | called fake by its own threshold |"
        yield "|---|---|---|---|---|---|"
        yield from (_row(one) for one in found.changes)
        yield f"| photographs | | | | | {found.fpr_own[0]:.3f} to {found.fpr_own[1] or 0:.3f} |"
        yield ""
    if found.failure:
        yield f"It failed: {found.failure}"
    aim = f"recall from below {BEFORE} to {AFTER} at least, no old generator more than {WORSE} worse, no request lost"
    yield f"The aim ({aim}) is {'met' if found.met else 'missed'}."
    if found.note:
        yield ""
        yield found.note


def write(folder: Path, found: Figures, outcome: Outcome) -> None:
    """Write drill.json, drill.md and drill.png into FOLDER."""
    told: dict[str, Any] = asdict(found) | {"met": found.met}
    write_json(folder / "drill.json", _without_nan(told))
    with replacing(folder / "drill.md") as temporary:
        temporary.write_text("\n".join(lines(found)) + "\n", encoding="utf-8")
    draw(folder / "drill.png", outcome)


def draw(path: Path, outcome: Outcome) -> None:
    """Every answer's probability over time, with alarm, labels and promotion marked."""
    from matplotlib.figure import Figure

    start = outcome.sent[0].time if outcome.sent else 0.0
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    answered = [one for one in outcome.sent if not one.error]
    for name, colour in {REALS: "tab:blue", KNOWN: "tab:gray", outcome.newcomer: "tab:red"}.items():
        of = [one for one in answered if _kind(one.picture, outcome.newcomer) == name]
        minutes = [(one.time - start) / 60 for one in of]
        axes.scatter(minutes, [one.probability for one in of], s=5, alpha=0.5, c=colour, label=name, linewidths=0)
    steps = {"newcomer": outcome.began, "alarm": outcome.alarm, "labels": outcome.labels_given}
    for row, (name, at) in enumerate((steps | {"promoted": outcome.promoted}).items()):
        if at is not None:
            place = (at - start) / 60
            axes.axvline(place, color="black", linewidth=0.8)
            axes.annotate(name, (place, 1.01 + 0.05 * (row % 2)), xycoords=("data", "axes fraction"), fontsize=8)
    axes.set(xlabel="minutes", ylabel="probability of a forgery", ylim=(-0.02, 1.02))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _row(one: Change) -> str:
    recall, area, own = (f"{first:.2f} to {second:.2f}" for first, second in (one.recall, one.auc, one.own))
    change = f"{one.change:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
    return f"| {one.generator} | {one.pictures} | {recall} | {change} | {area} | {own} |"


def _kind(picture: Picture, newcomer: str) -> str:
    if picture.label == "real":
        return REALS
    return newcomer if picture.generator == newcomer else KNOWN


def _between(first: float | None, time: float, last: float | None) -> bool:
    return first is not None and last is not None and first <= time <= last


def _of(sent: Sequence[Sent], generator: str) -> int:
    return sum(one.picture.generator == generator for one in sent)


def _minutes(first: float | None, last: float | None) -> float | None:
    return None if first is None or last is None else (last - first) / 60


def _shown(value: float | None) -> str:
    if value is None:
        return "it did not come"
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
