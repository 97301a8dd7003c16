"""`unmask compare`: two references resolved, read and compared."""

from pathlib import Path

from unmask.config import Config
from unmask.evaluation.comparison.compare import Decision, compare
from unmask.evaluation.comparison.latency import measure_latency
from unmask.evaluation.comparison.revisions import evaluation_folder, split_candidate
from unmask.evaluation.comparison.sides import read_side


def compare_references(champion: str, challenger: str, *, config: Config, root: Path, trigger: str = "") -> Decision:
    """Compare two evaluation folders or git revisions of ROOT, each with or without `:candidate`.

    Raises:
        DataError: a reference is neither, its files are missing or damaged, the two share too few test rows, or no
            slice has the trigger's name.
    """
    (first, one), (second, other) = split_candidate(champion), split_candidate(challenger)
    with evaluation_folder(first, root) as ours, evaluation_folder(second, root) as theirs:
        left = read_side(ours, candidate=one, name=first)
        right = read_side(theirs, candidate=other, name=second)
        latency = measure_latency(right, confidence=config.evaluate.confidence)
        return compare(left, right, latency, config=config, trigger=trigger)
