"""Cells to the tables that people read."""

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.data.table import Row
from benchmarks.serve.measure import Cell, Level
from benchmarks.serve.sides import FACES, OURS, PEERS

AIM_FLOOR = {True: "0.5", False: "0.8"}  # single pictures, batches
TAIL = Level(32, 1)


def medians(cells: Sequence[Cell]) -> list[Cell]:
    """One cell a side and level: the median of each figure over the rounds, refusals summed."""
    grouped: dict[tuple[str, Level], list[Cell]] = {}
    for cell in cells:
        grouped.setdefault((cell.side, cell.level), []).append(cell)

    def middle(group: Sequence[Cell], figure: Callable[[Cell], float]) -> float:
        return median(figure(cell) for cell in group)

    return [
        Cell(
            side,
            level,
            rate=middle(group, lambda cell: cell.rate),
            p50_ms=middle(group, lambda cell: cell.p50_ms),
            p95_ms=middle(group, lambda cell: cell.p95_ms),
            p99_ms=middle(group, lambda cell: cell.p99_ms),
            refused=sum(cell.refused for cell in group),
            load_cores=middle(group, lambda cell: cell.load_cores),
        )
        for (side, level), group in grouped.items()
    ]


def figures(cells: Sequence[Cell]) -> str:
    """Every side at every level as a Markdown table."""
    head = ("clients x pictures", "side", "requests/s", "p50 ms", "p95 ms", "p99 ms", "refused", "cores of the load")
    lines = [head, ("---",) * len(head)]
    for cell in cells:
        times = (f"{value:.1f}" for value in (cell.p50_ms, cell.p95_ms, cell.p99_ms))
        lines.append(
            (str(cell.level), cell.side, f"{cell.rate:.0f}", *times, f"{cell.refused}", f"{cell.load_cores:.2f}")
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratios(cells: Sequence[Cell], floor: float) -> list[Row]:
    """The service against the floor, the better peer, and itself with faces; CELLS are medians."""
    found = {(cell.side, cell.level): cell for cell in cells}
    rows: list[Row] = []
    for level in dict.fromkeys(cell.level for cell in cells):
        ours = found[OURS, level]
        rate = ours.rate * level.pictures
        what = f"{level}: pictures/s / floor"
        rows.append(Row(what, f"{rate:.0f}", f"{floor:.0f}", rate / floor, AIM_FLOOR[level.pictures == 1], ""))
        peers = [found[side, level] for side in PEERS if (side, level) in found]
        if peers:
            rows += _against(ours, max(peers, key=lambda cell: cell.rate), level)
        if faces := found.get((FACES, level)):
            figures = f"{faces.rate:.0f}", f"{ours.rate:.0f}"
            rows.append(Row(f"{level}: requests/s with faces on / off", *figures, faces.rate / ours.rate, "", ""))
    return rows


def _against(ours: Cell, peer: Cell, level: Level) -> list[Row]:
    rates, times = (f"{ours.rate:.0f}", f"{peer.rate:.0f}"), (f"{ours.p99_ms:.1f}", f"{peer.p99_ms:.1f}")
    return [
        Row(f"{level}: requests/s / better peer", *rates, ours.rate / peer.rate, "1.2", peer.side),
        Row(
            f"{level}: p99 ms / that peer",
            *times,
            ours.p99_ms / peer.p99_ms,
            "under 0.5" if level == TAIL else "",
            peer.side,
        ),
    ]
