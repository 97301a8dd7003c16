"""Section: the five numbers to read first, each beside what file statistics reach without any detector."""

from collections.abc import Sequence
from dataclasses import dataclass

from unmask.evaluation.report.axes import Scale
from unmask.evaluation.report.evidence import Evidence
from unmask.evaluation.report.numbers import Number, percent, three
from unmask.evaluation.report.tracks import Track, auc_scale, track

TEMPLATE = "headline.html.jinja"
# title, slice, metric
AUCS = (("AUC, generators seen in training", "seen"), ("AUC, generators never seen", "unseen"))
RATES = (
    ("Real pictures called fake", "all", "fpr"),
    ("Fakes found, seen generators", "seen", "recall"),
    ("Fakes found, unseen generators", "unseen", "recall"),
)


@dataclass(frozen=True)
class Card:
    """One number of each candidate, the packaged one first; `share` says whether to show it in percent."""

    title: str
    track: Track
    share: bool
    scale: Scale
    beside: str

    @property
    def packaged(self) -> Number:
        """The packaged candidate's number."""
        return self.track.lanes[0].number


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    return {"cards": [*_aucs(evidence), *_rates(evidence)], "run": evidence.run}


def highest_shortcut(rows: Sequence[dict[str, object]]) -> float | None:
    """The shortcut's largest AUC over generators, turned around where it is below one half."""
    values = [row["shortcut_auc"] for row in rows]
    return max((max(value, 1 - value) for value in values if isinstance(value, int | float)), default=None)


def _aucs(evidence: Evidence) -> list[Card]:
    found = []
    for title, part in AUCS:
        numbers = [(name, name, evidence.metric(name, "auc", name=part)) for name in evidence.candidates]
        generators = [row for row in evidence.generators if row["seen"] == (part == "seen")]
        found.append((title, numbers, highest_shortcut(generators)))
    ends = [number.low for _, numbers, _ in found for *_, number in numbers]
    scale = auc_scale([*ends, *(shortcut for *_, shortcut in found)])
    return [
        Card(
            title,
            track(scale, numbers, diamond=shortcut, line=0.5),
            share=False,
            scale=scale,
            beside=_simple(evidence, shortcut),
        )
        for title, numbers, shortcut in found
    ]


def _simple(evidence: Evidence, highest: float | None) -> str:
    simple = evidence.run.shortcut
    told = f"File statistics alone: {three(simple.get('pooled'))} on all fakes"
    if simple.get("with_chroma") is not None:
        told += f" ({three(simple['with_chroma'])} with the noise of colour)"
    return f"{told}, at most {three(highest)} on one of these generators" if highest is not None else told


def _rates(evidence: Evidence) -> list[Card]:
    meant = evidence.calibration[evidence.packaged]["thresholds"]["fake_fpr"]
    cards = []
    for title, part, metric in RATES:
        numbers = [(name, name, evidence.metric(name, metric, name=part)) for name in evidence.candidates]
        small = metric == "fpr"
        top = max([number.high or 0.0 for *_, number in numbers] + [2 * meant]) if small else 1.0
        scale = Scale(0.0, min(1.0, max(top, 0.05)))
        placed = track(scale, numbers, line=meant if small else None)
        beside = f"Threshold set for {percent(meant)}" if small else "At the same threshold"
        cards.append(Card(title, placed, share=True, scale=scale, beside=beside))
    return cards
