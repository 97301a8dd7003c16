"""Ratios of the bootstrap over groups against scikit-learn resample by resample, and its floor, in the same run.

python -m benchmarks.evaluate  about a minute on one core
"""

import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from benchmarks.data.table import Row, as_markdown
from unmask.config import Evaluate
from unmask.evaluation.bootstrap import resampled_weights
from unmask.evaluation.metrics import NAMES, Scored, scored
from unmask.evaluation.numbers import measure_rows
from unmask.serving.verdict import Thresholds, calibrate

AIM_S = 10
THRESHOLDS = Thresholds(fake=0.8, real=0.2)


def main(
    rows: Annotated[int, typer.Option(min=1000, help="Rows, half of them fake, three to a group.")] = 100_000,
    resamples: Annotated[int, typer.Option(min=10, help="Resamples of the whole.")] = 1000,
    peer_resamples: Annotated[int, typer.Option(min=1, help="Resamples of the peer and the floor, scaled up.")] = 20,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each side, in turn; the median counts.")] = 3,
) -> None:
    """Print one table of ratios; nothing here is a test."""
    drawn = draw(rows)
    few = min(peer_resamples, resamples)
    with threadpool_limits(1):
        seconds = alternating(
            {
                "ours": lambda: intervals(drawn, resamples),
                "peer": lambda: peer(drawn, few),
                "floor": lambda: floor(drawn, few),
            },
            repeats,
        )
        memory = [peak_mb(lambda count=count: intervals(drawn, count)) for count in (resamples, few)]
        wide = draw(4 * rows)
        grown = peak_mb(lambda: intervals(wide, few))
    scaled = {name: seconds[name] * resamples / few for name in ("peer", "floor")}
    under = f"{rows:,} rows, {resamples:,} resamples, one core"
    ours = f"{seconds['ours']:.1f} s"
    table = [
        Row(
            f"{len(NAMES)} metrics with intervals / roc_auc_score of scikit-learn in a loop, AUC alone",
            ours,
            f"{scaled['peer']:.1f} s",
            seconds["ours"] / scaled["peer"],
            f"below 1, and {AIM_S} s",
            f"{under}; the peer's time is of {few} resamples",
        ),
        Row(
            "the same / drawing groups and two running sums of the weights",
            ours,
            f"{scaled['floor']:.1f} s",
            seconds["ours"] / scaled["floor"],
            "",
            f"the floor of a bootstrap with exact ties; its time is of {few} resamples",
        ),
        Row(
            f"memory beyond the rows, {resamples:,} / {few} resamples",
            f"{memory[0]:.1f} MB",
            f"{memory[1]:.1f} MB",
            memory[0] / memory[1],
            "flat",
            f"{1e6 * (grown - memory[1]) / (3 * rows):.0f} bytes a row, from {rows:,} to {4 * rows:,} rows",
        ),
    ]
    print(as_markdown(table))


def draw(count: int) -> Scored:
    """Scores of two normals, tied at four decimals; about three rows to a group."""
    generator = np.random.default_rng(0)
    fake = np.arange(count) % 2 == 1
    logit = np.round(generator.normal(size=count) + 2 * fake, 4)
    groups = generator.integers(0, max(1, count // 3), count)
    return scored(fake=fake, logit=logit, p=calibrate(logit, 1.0), groups=groups, thresholds=THRESHOLDS)


def intervals(rows: Scored, resamples: int) -> dict[str, dict[str, Any]]:
    """What the evaluate stage does for a slice."""
    return measure_rows(rows, Evaluate(resamples, 0.95, 0.02, 0.05, 1), seed=0)


def peer(rows: Scored, resamples: int) -> list[float]:
    """AUC alone, the usual way: one weighted call a resample."""
    drawn = resampled_weights(rows.groups, resamples=resamples, seed=0)
    return [roc_auc_score(rows.fake, rows.logit, sample_weight=row) for some in drawn for row in some]


def floor(rows: Scored, resamples: int) -> float:
    """Draw the groups and sum the weights of each class along the scores, which no exact ranking can do without."""
    total = 0.0
    for weights in resampled_weights(rows.groups, resamples=resamples, seed=0):
        for flags in (rows.fake, ~rows.fake):
            total += float(np.cumsum(weights * flags, axis=-1)[:, -1].sum())
    return total


def alternating(sides: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median processor seconds of each side, the sides in turn."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            start = time.process_time()
            side()
            times[name].append(time.process_time() - start)
    return {name: median(values) for name, values in times.items()}


def peak_mb(work: Callable[[], object]) -> float:
    """Most memory that WORK held at once, MB."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    typer.run(main)
