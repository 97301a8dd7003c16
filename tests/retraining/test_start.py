"""What a challenger starts from: the champion's weights, committed so that a clone trains the same, or nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from dvc.api import DVCFileSystem

from tests.datasets import noise, row, write_dataset
from tests.retraining.conftest import Retrain
from tests.standin import TRAINED, StandIn
from unmask.data.forgotten import write_forgotten
from unmask.data.tables import write_table
from unmask.retraining import start
from unmask.training.champion import HASH, MODELS, trained_pictures
from unmask.training.champion import TRAINED as TRAINED_LIST

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
FOLDER = "champion"
COLD = {f"{FOLDER}/champion.json"}
WARM = {*COLD, f"{FOLDER}/.gitignore", f"{FOLDER}/models.dvc"}


def held(standin: StandIn, commit: str = "retrain") -> tuple[str, set[str]]:
    """The version that a commit's challenger started from, and the files that git has of it."""
    said = json.loads(standin.git("show", f"{commit}:{FOLDER}/champion.json"))
    return said["version"], set(standin.git("ls-tree", "-r", "--name-only", commit, "--", FOLDER).splitlines())


def weights(standin: StandIn, commit: str = "retrain") -> str:
    """The stand-in's student, a word for each training that it comes from."""
    return DVCFileSystem(str(standin.root), rev=commit).read_text("build/student/model.safetensors")


def test_a_challenger_goes_on_from_the_champion_and_a_clone_has_the_same(
    standin: StandIn, retrain: Retrain, tmp_path: Path
) -> None:
    first, lines = retrain()
    assert "the challenger starts afresh" in lines
    assert held(standin) == ("", COLD)
    assert weights(standin) == "first."
    again, _ = retrain()
    assert again.challenge.outcome == "unchanged"

    standin.report(1)
    _, lines = retrain()
    assert "the challenger goes on from v1.0.0" in lines
    assert held(standin) == ("v1.0.0", WARM)
    assert weights(standin) == "first.better."
    assert "Warm-start: yes" in standin.git("log", "-1", "--format=%B", "retrain")
    assert first.challenge.commit in standin.git("show", f"retrain:{FOLDER}/champion.json")

    clone = tmp_path / "clone"
    standin.git("clone", "--quiet", "--branch", "retrain", str(standin.root), str(clone))

    def dvc(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *words], cwd=clone, capture_output=True, text=True, check=True
        )
        return done.stdout

    dvc("cache", "dir", "--local", str(standin.root / ".dvc/cache"))
    dvc("checkout")
    assert "up to date" in dvc("status")
    assert (clone / FOLDER / "models/student/model.safetensors").read_text() == "first."
    assert trained_pictures(clone / FOLDER) == {TRAINED}

    again, lines = retrain()
    assert again.challenge.outcome == "unchanged", "who came of this has learnt it"
    assert not any("goes on" in line for line in lines)
    _, lines = retrain(warm_start=False)
    assert "the challenger starts afresh" in lines
    assert weights(standin) == "better."
    assert held(standin) == ("", COLD)
    assert standin.git("status", "--porcelain") == ""


def test_a_lost_start_is_not_repeated_but_the_other_one_is_tried(standin: StandIn, retrain: Retrain) -> None:
    retrain()
    standin.recipe(quality="worse")
    assert retrain()[0].challenge.outcome == "keep"
    assert "lost against v1.0.0" in retrain()[0].summary
    assert weights(standin) == "first.worse."
    assert retrain(warm_start=False)[0].challenge.outcome == "keep"
    assert weights(standin) == "worse."
    assert "lost against v1.0.0" in retrain(warm_start=False)[0].summary


def test_what_was_forgotten_is_not_in_the_next_weights(standin: StandIn, retrain: Retrain) -> None:
    retrain()
    write_forgotten(standin.root / "data", [TRAINED])
    standin.dvc("add", "data")
    standin.git("commit", "--quiet", "--all", "--message", "forgotten")
    _, lines = retrain()
    assert "v1.0.0 was trained on 1 pictures that were forgotten since" in lines
    assert held(standin) == ("", COLD)


def test_params_decide_too(standin: StandIn, retrain: Retrain) -> None:
    retrain()
    params = standin.root / "params.yaml"
    params.write_text(params.read_text().replace("weights: champion", "weights: none"))
    standin.git("commit", "--quiet", "--all", "--message", "always afresh")
    standin.report(1)
    retrain()
    assert held(standin) == ("", COLD)
    assert weights(standin) == "better."


def test_what_trained_an_ancestor_is_remembered(tmp_path: Path) -> None:
    rows = [row(n, label="real", split=split, labelled=True) for n, split in enumerate(("train", "val", "test"))]
    write_dataset(tmp_path / "build", [each | {"raw_sha256": f"{n:064x}"} for n, each in enumerate(rows)], noise)
    earlier = tmp_path / FOLDER / MODELS / TRAINED_LIST

    class Commit:
        """Files of a commit, without DVC."""

        def exists(self, path: str) -> bool:
            return (tmp_path / path).is_file()

        def get(self, path: str, target: str) -> None:
            shutil.copyfile(tmp_path / path, target)

    target = tmp_path / "target" / FOLDER
    (target / MODELS).mkdir(parents=True)
    assert start._trained(Commit(), target) == {f"{0:064x}"}
    write_table(earlier, pd.DataFrame({HASH: ["e" * 64]}))
    assert start._trained(Commit(), target) == {f"{0:064x}", "e" * 64}
