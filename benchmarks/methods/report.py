"""From finished cells to docs/methods-benchmark.md: one table, paired differences, aims; remarks by hand are kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.methods.aims import BASE, Compared, Outcome, outcomes
from benchmarks.methods.compare import Judged, Number, compare
from benchmarks.methods.protocols import PROTOCOLS, SEEN, Protocol
from benchmarks.methods.results import Result, read_results, read_scores
from unmask.files import replacing
from unmask.training.methods import METHODS

REMARKS = "## What the misses mean"
_BLANK = f"{REMARKS}\n\nNot written yet: for each missed aim, why, and what was tried.\n"


@dataclass(frozen=True)
class Report:
    """All that the page shows."""

    results: Sequence[Result]
    compared: Compared
    students: Mapping[tuple[str, str], Number]


def gather(out: Path, protocols: Mapping[str, Protocol] = PROTOCOLS) -> Report:
    """Compare what is finished below OUT, of each protocol the folds that every one of its presets has.

    Raises:
        DataError: no cell is finished, or cells do not belong together.
    """
    results = [result for result in read_results(out) if result.protocol in protocols]
    compared: dict[tuple[str, str], Mapping[str, Number]] = {}
    students: dict[tuple[str, str], Number] = {}
    for name, protocol in protocols.items():
        chosen = _common([result for result in results if result.protocol == name])
        if not chosen:
            continue
        candidates = {
            preset: [Judged(read_scores(out, each), each.thresholds) for each in folds]
            for preset, folds in chosen.items()
        }
        against = BASE if BASE in candidates else next(iter(candidates))
        for column in protocol.columns:
            compared[name, column.name] = compare(column, candidates, against)
        for preset, folds in candidates.items():
            if METHODS[preset].distil:
                students[name, preset] = _student(folds)
    return Report(results, compared, students)


def _common(results: Sequence[Result]) -> dict[str, list[Result]]:
    presets = [preset for preset in METHODS if any(result.preset == preset for result in results)]
    by_preset = {preset: {each.fold: each for each in results if each.preset == preset} for preset in presets}
    folds = sorted(set.intersection(*map(set, by_preset.values()))) if presets else []
    return {preset: [found[fold] for fold in folds] for preset, found in by_preset.items()} if folds else {}


def _student(folds: Sequence[Judged]) -> Number:
    both = {
        model: [Judged(each.rows.assign(logit=each.rows[model]), each.thresholds) for each in folds]
        for model in ("teacher", "student")
    }
    return compare(SEEN, both, "teacher")["student - teacher"]


def write_page(page: Path, report: Report) -> None:
    """Write PAGE anew, but for what stands from its heading REMARKS on."""
    before = page.read_text() if page.is_file() else ""
    remarks = REMARKS + before.split(REMARKS, 1)[1] if REMARKS in before else _BLANK
    with replacing(page) as temporary:
        temporary.write_text("\n".join([*page_lines(report), "", remarks]))


def page_lines(report: Report) -> Iterator[str]:
    """The page without the remarks, line by line."""
    yield "# The methods compared"
    yield ""
    yield from _head(report)
    yield from ("", "## Every column", "")
    yield from _table(report)
    yield from ("", "## Aims", "")
    yield from _markdown(
        ("aim", "found", "interval", "outcome"),
        [_outcome(each) for each in outcomes(report.compared, report.students)],
    )


def _head(report: Report) -> Iterator[str]:
    results = report.results
    hours = sum(each.total_seconds for each in results) / 3600
    yield (
        f"Written by `python -m benchmarks.methods --table` from {len(results)} finished cells, {hours:.2f} hours of "
        "training and scoring. A cell is one preset on one fold by group; each fold has its own seed, so the spread "
        "(standard deviation between folds) holds both. Intervals (95 %) resample groups, the same for all presets and "
        "folds: of DFDC, all pairs that the finished folds tested."
    )
    yield ""
    yield (
        "Every preset has the same budget of picture passes: one picture forward and backward counts 1, forward alone "
        "a third. Pre-training, teacher, bi-level weights and student all draw on it, so a preset with more stages "
        "takes fewer steps in each. Teacher or student is chosen by validation AUC; test rows choose nothing. The "
        "shortcut column is what simple statistics alone reach on the same rows, with the chroma residual in brackets."
    )
    yield ""
    yield from _markdown(
        ("protocol", "what", "presets x folds", "passes a cell", "seconds a cell", "data", "code", "overrides"),
        [_protocol(name, report) for name in PROTOCOLS if any(each.protocol == name for each in results)],
    )


def _protocol(name: str, report: Report) -> tuple[str, ...]:
    cells = [each for each in report.results if each.protocol == name]
    spent = [each.passes for each in cells]
    folds = len({each.fold for each in cells})
    return (
        name,
        PROTOCOLS[name].title,
        f"{len({each.preset for each in cells})} x {folds}",
        f"{cells[0].budget:,.0f} ({min(spent):,} to {max(spent):,} spent)",
        f"{fmean(each.total_seconds for each in cells):.0f}",
        f"`{cells[0].data}`",
        f"`{cells[0].code}`",
        " ".join(f"`{each}`" for each in cells[0].overrides),
    )


def _table(report: Report) -> Iterator[str]:
    presets = [name for name in METHODS if any(name in numbers for numbers in report.compared.values())]
    rows = []
    for (protocol, column), numbers in report.compared.items():
        cells = [_cell(numbers, name) for name in presets]
        rows.append((f"{protocol}, {column}", _shortcut(report, protocol, column), *cells))
    yield from _markdown(("column", "shortcut AUC", *presets), rows)


def _cell(numbers: Mapping[str, Number], name: str) -> str:
    """Mean and spread, and below them the paired difference to the base with its interval."""
    if name not in numbers:
        return ""
    number = numbers[name]
    text = f"{number.mean:.3f}" + (f" ± {number.spread:.3f}" if number.spread is not None else "")
    paired = numbers.get(f"{name} - {BASE}")
    return f"{text}<br>{paired.mean:+.3f} {_interval(paired.interval)}".rstrip() if paired else text


def _shortcut(report: Report, protocol: str, column: str) -> str:
    found = [each.shortcut[column] for each in report.results if each.protocol == protocol]
    means = []
    for which in ("auc", "with_chroma"):
        values = [one[which] for one in found if one[which] is not None]
        means.append(f"{fmean(value for value in values if value is not None):.3f}" if values else "too few rows")
    return f"{means[0]} ({means[1]})"


def _outcome(each: Outcome) -> tuple[str, ...]:
    outcome = "met" if each.met else f"missed by {each.missed_by:.3f}"
    return each.text, f"{each.found:+.3f}", _interval(each.interval), outcome


def _interval(interval: tuple[float, float] | None) -> str:
    return f"({interval[0]:+.3f} to {interval[1]:+.3f})" if interval else ""


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for line in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(line)} |"
