"""Sections of the release card from a finished evaluation: data and licences, figures by generator, what is unknown."""

from collections.abc import Iterator, Mapping, Sequence

from unmask.data.manifest import SAMPLE_SOURCE
from unmask.evaluation.report.evidence import Evidence
from unmask.evaluation.report.numbers import Number, number, percent, three
from unmask.serving.card import plain

SAMPLE_LICENCE = "Apache-2.0, drawn by the program"
UNSTATED = "not stated: see package.licences in params.yaml"
GAPS = {"auc": "AUC", "fpr": "reals called fake", "recall": "fakes found"}  # all but the first are shares


def card_details(evidence: Evidence, candidate: str, licences: Mapping[str, str], *, served: str) -> str:
    """The sections as Markdown, each ended by an empty line; figures are CANDIDATE's on test rows.

    LICENCES maps sources to what their pictures may be used for; SERVED is the precision that is packaged.
    """
    parts = [
        ("Data", _sources(evidence, licences)),
        ("Figures by generator", _generators(evidence, candidate)),
        ("Promises held against test pictures", _promises(evidence, candidate)),
        ("Recompression and resizing", _tiers(evidence, candidate)),
        ("Largest gaps between domains", _gaps(evidence, candidate)),
        ("What is not known", [f"- {plain(line)}" for line in evidence.run.unknown]),
    ]
    remark = "" if served == "float32" else f"Measured in float32; the packaged model computes in {served}.\n\n"
    measured = {title: remark for title, _ in parts[1:5]}
    return "".join(
        f"## {title}\n\n{measured.get(title, '')}{text}\n\n" for title, lines in parts if (text := "\n".join(lines))
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _sources(evidence: Evidence, licences: Mapping[str, str]) -> list[str]:
    known = {SAMPLE_SOURCE: SAMPLE_LICENCE, **licences}
    rows = [
        [plain(one.name), *(f"{count:,}" for count in (one.real, one.fake, one.unlabelled)), _licence(known, one.name)]
        for one in evidence.run.sources
    ]
    return _table(("Source", "Real", "Fake", "Unlabelled", "Licence"), rows)


def _licence(known: Mapping[str, str], source: str) -> str:
    return plain(known.get(source) or UNSTATED)


def _generators(evidence: Evidence, candidate: str) -> list[str]:
    rows = [
        [
            f"{plain(row['source'])} / {plain(row['generator'])}",
            "seen" if row["seen"] else "unseen",
            _shown(number((row.get(candidate) or {}).get("auc"))),
            three(row["shortcut_auc"]),
            str(row["n_real"]),
            str(row["n_fake"]),
        ]
        for row in evidence.generators
    ]
    return _table(("Generator", "In training", "AUC", "AUC, file statistics", "Reals", "Fakes"), rows) if rows else []


def _promises(evidence: Evidence, candidate: str) -> list[str]:
    checks = evidence.calibration[candidate].get("check") or {}
    names = {"fake": "reals called fake", "real": "seen fakes called real"}
    return [
        f"- {names[side]}: promised at most {percent(check['promised'])}, on test {_share(number(check['test']))}"
        for side, check in checks.items()
        if side in names
    ]


def _tiers(evidence: Evidence, candidate: str) -> list[str]:
    rows = [
        [
            plain(row["name"]),
            _shown(number(row.get("auc"))),
            *(_share(number(row.get(metric))) for metric in ("fpr", "recall", "flip", "reversal")),
        ]
        for row in evidence.tiers.get(candidate, [])
        if row["sweep"] is None
    ]
    return (
        _table(("Tier", "AUC", "Reals called fake", "Fakes found", "Verdict flips", "Real to fake or back"), rows)
        if rows
        else []
    )


def _gaps(evidence: Evidence, candidate: str) -> list[str]:
    return list(_gap_lines(evidence, candidate))


def _gap_lines(evidence: Evidence, candidate: str) -> Iterator[str]:
    for row in evidence.gaps[candidate]:
        gap = number(row["gap"])
        between = f", {plain(row['best'])} best, {plain(row['worst'])} worst" if gap.value is not None else ""
        shown = _shown(gap) if row["metric"] == "auc" else _share(gap)
        yield f"- {GAPS.get(row['metric'], plain(row['metric']))}: {shown}{between}"


def _shown(found: Number) -> str:
    if found.value is None:
        return f"unknown: {plain(found.reason)}"
    return f"{three(found.value)} ({three(found.low)} to {three(found.high)})"


def _share(found: Number) -> str:
    if found.value is None:
        return f"unknown: {plain(found.reason)}"
    return f"{percent(found.value)} ({percent(found.low)} to {percent(found.high)})"
