"""What a comparison comes to: the structure that reports, the history and the flows share."""

from dataclasses import asdict, dataclass, field
from typing import Any

from unmask.config import Drift
from unmask.monitoring.compare import MMD, Compared, Novel, Sides
from unmask.monitoring.shift import DomainAuc
from unmask.monitoring.words import describe, reason


@dataclass(frozen=True)
class Subject:
    """What is compared with what: a window by its ends (ISO 8601) and model, or batches of the data.

    `left_aside` counts rows that took no part, by reason.
    """

    what: str
    start: str = ""
    end: str = ""
    model_version: str = ""
    data_hash: str = ""
    left_aside: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Moved:
    """Something that was watched: a sentence, the share of pictures that moved beyond chance, the adjusted p-value."""

    name: str
    sentence: str
    share: float
    p_value: float
    drifted: bool


@dataclass(frozen=True)
class Summary:
    """One decision. `columns` is what was watched, strongest first; p_value is of all together, mmd_p of MMD alone.

    Undecided is never drifted, and is not "no drift": `reason` says what was lacking, and numbers are None.
    """

    drifted: bool
    undecided: bool
    reason: str
    subject: Subject
    n_window: int
    n_reference: int
    level: float
    p_value: float | None
    columns: list[Moved]
    domain_auc: DomainAuc | None
    mmd_p: float | None
    visible: float | None
    novel: list[Novel]
    not_compared: list[str]

    def __str__(self) -> str:
        word = "undecided" if self.undecided else "drifted" if self.drifted else "no drift"
        return f"{word}: {self.reason}; {self.subject.what}"

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON."""
        return asdict(self)


def undecided(why: str, subject: Subject, settings: Drift, *, n_window: int = 0, n_reference: int = 0) -> Summary:
    """The summary where nothing could be compared."""
    return Summary(
        drifted=False,
        undecided=True,
        reason=why,
        subject=subject,
        n_window=n_window,
        n_reference=n_reference,
        level=settings.level,
        p_value=None,
        columns=[],
        domain_auc=None,
        mmd_p=None,
        visible=None,
        novel=[],
        not_compared=[],
    )


def decided(compared: Compared, sides: Sides, subject: Subject, settings: Drift) -> Summary:
    """The summary of a comparison."""
    columns = [
        Moved(
            name=each.name,
            sentence=describe(each, compared, sides),
            share=each.moved,
            p_value=each.adjusted_p,
            drifted=each in compared.drifted,
        )
        for each in compared.findings
    ]
    return Summary(
        drifted=bool(compared.drifted),
        undecided=False,
        reason=reason(compared, [each.sentence for each in columns if each.drifted], level=settings.level),
        subject=subject,
        n_window=len(sides.window),
        n_reference=len(sides.reference),
        level=settings.level,
        p_value=compared.p_value,
        columns=columns,
        domain_auc=compared.domain,
        mmd_p=next(each.p_value for each in compared.findings if each.name == MMD),
        visible=compared.visible,
        novel=compared.novel,
        not_compared=compared.not_compared,
    )
