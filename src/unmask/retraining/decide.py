"""Champion against challenger on the challenger's test rows, which the champion has never seen and so is scored on."""

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import yaml
from dvc.api import DVCFileSystem

from unmask.config import load_config
from unmask.data.manifest import FEEDBACK_SOURCE, read_manifest
from unmask.dvc_process import DvcError, run_dvc
from unmask.errors import DataError
from unmask.evaluation.comparison.compare import Decision, compare
from unmask.evaluation.comparison.latency import measure_latency
from unmask.evaluation.comparison.revisions import evaluation_folder
from unmask.evaluation.comparison.sides import Side, read_side
from unmask.evaluation.numbers import MIN_ROWS
from unmask.registry.promotion import bundle_of
from unmask.registry.tags import Version
from unmask.retraining.tree import Log, Tree, dvc_errors
from unmask.serving.bundle import load_bundle

EVALUATION = Path("build/evaluation")
DATASET = Path("build/dataset")
MODELS = ("student", "teacher")  # below build/, which the evaluate stage scores
# What the champion's scoring writes itself, so that it must not be a link to the challenger's.
WRITTEN = {"evaluation", "metrics.json", "headline.json", *MODELS}
# No sweeps: curves for a reader, which decide nothing. Hydra would merge an empty one into those that are there.
QUICK = ("~evaluate.tiers.sweeps", "+evaluate.tiers.sweeps={}")


def decide(tree: Tree, champion: Version, state: Path, *, trigger: str, log: Log, lock: int) -> Decision:
    """Apply the promotion rule to the challenger in TREE.

    TRIGGER names the slice on which it must be better; empty takes the fakes that users reported, where enough of them
    are test rows; else all test rows, and the decision's notes say that nothing is known of the reported ones.

    Raises:
        DataError: the champion can't be scored, the two share too few rows, or no slice has the trigger's name.
    """
    config = load_config(tree.folder)
    challenger = read_side(tree.folder / EVALUATION, name="challenger")
    scored = _score_champion(tree, champion, state, log=log, lock=lock)
    with bundle_of(champion, tree.root, state) as folder:
        candidate = load_bundle(folder).candidate
    asked, unsure = (trigger, "") if trigger else _reported(challenger, tree.folder / DATASET)
    decision = compare(
        read_side(scored, candidate=candidate, name=champion.name),
        challenger,
        measure_latency(challenger, confidence=config.evaluate.confidence),
        config=config,
        trigger=asked,
    )
    if unsure:
        log(unsure)
    return replace(decision, notes=(*([unsure] if unsure else []), *decision.notes))


def _reported(side: Side, dataset: Path) -> tuple[str, str]:
    """The slice of the fakes that users reported; "" and a remark where a number on it would be too unsure."""
    fakes = side.test[(side.test["source"] == FEEDBACK_SOURCE) & (side.test["label"] == "fake")]
    if len(fakes) >= MIN_ROWS:
        return f"generator:{FEEDBACK_SOURCE} / {fakes['generator'].iloc[0]}", ""
    if FEEDBACK_SOURCE not in set(read_manifest(dataset / "manifest.parquet", columns=["source"])["source"]):
        return "", ""
    return "", (
        f"Only {len(fakes)} of the fakes that users reported are test rows, and a number needs {MIN_ROWS}: whether the "
        "challenger finds more of them is unsure, and it was asked to be better overall."
    )


def _score_champion(tree: Tree, champion: Version, state: Path, *, log: Log, lock: int) -> Path:
    """Run the evaluate stage on the champion's weights and the challenger's data; returns its evaluation folder.

    The thresholds are those the champion was released with, not ones fitted to the new validation rows.
    """
    folder = state.resolve() / "retrain/champion"
    shutil.rmtree(folder, ignore_errors=True)
    _lay_out(tree.folder, folder)
    with dvc_errors(f"{champion.name}: its weights"):
        files = DVCFileSystem(str(tree.folder), rev=champion.commit)
        for name in MODELS:
            files.get(f"build/{name}", str(folder / "build" / name), recursive=True)
    stages = yaml.safe_load((tree.folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    try:
        run_dvc([*shlex.split(stages["evaluate"]["cmd"]), *QUICK], root=folder, on_line=log, holding=[lock])
    except DvcError as error:
        raise DataError(f"{champion.name} can't be scored on the new test rows: {error}") from None
    with evaluation_folder(champion.commit, tree.root) as own:
        shutil.copyfile(own / "calibration.json", folder / EVALUATION / "calibration.json")
    return folder / EVALUATION


def _lay_out(source: Path, target: Path) -> None:
    """A project folder whose files are the challenger's but for what the evaluate stage reads of models, and writes."""
    (target / "build").mkdir(parents=True)
    for path in source.iterdir():
        if path.name not in {"build", "var", ".git", ".dvc"}:
            (target / path.name).symlink_to(path)
    for path in (source / "build").iterdir():
        if path.name not in WRITTEN:
            (target / "build" / path.name).symlink_to(path)
