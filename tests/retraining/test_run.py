"""The loop end to end on a stand-in pipeline: what every ending leaves behind."""

import pytest

from unmask.errors import UnmaskError
from unmask.registry.promotion import champion, rollback
from unmask.registry.tags import versions
from unmask.retraining.committed import committed_indexes
from unmask.retraining.intake import waiting_feedback
from unmask.retraining.lock import BusyError, only_run
from unmask.retraining.settings import Author
from unmask.serving.promoted import read_pointer

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


def waiting(standin):
    with committed_indexes(standin.root, "retrain") as taken:
        return waiting_feedback(standin.state, taken)


def sound(standin):
    """The workspace is as it was, and registry and service agree."""
    assert standin.git("status", "--porcelain") == ""
    assert standin.git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    holder, pointer = champion(standin.root), read_pointer(standin.state)
    assert (holder.model if holder else None) == (pointer.version if pointer else None)
    return holder


def test_the_first_model_serves_and_a_better_one_takes_its_place(standin, retrain):
    first, lines = retrain(author=Author(name="loop", email="loop@example.org"))
    assert (first.challenge.outcome, first.version, first.promoted) == ("promote", "v1.0.0", True)
    assert any(line.startswith("training in group") for line in lines)
    assert sound(standin).name == "v1.0.0"
    assert not (standin.root / "build").exists()
    assert standin.git("log", "-1", "--format=%an", "retrain") == "loop"

    again, lines = retrain()
    assert (again.challenge.outcome, again.promoted) == ("unchanged", False)
    assert not any(line.startswith("training in group") for line in lines)

    fake = standin.report(1)
    second, _ = retrain()
    assert second.challenge.outcome == "promote", second.summary
    assert second.challenge.decision.verdict == "promote"
    assert sound(standin).name == second.version == "v1.1.0"
    assert fake in standin.git("show", "retrain:regression.csv")
    assert "data.dvc" in standin.git("diff", "--name-only", "main", "retrain")

    assert rollback(standin.root, standin.state, identity=Author().identity).name == "v1.0.0"
    assert sound(standin).name == "v1.0.0"


def test_a_worse_challenger_is_refused_with_reasons(standin, retrain):
    retrain()
    standin.recipe(quality="worse")
    result, _ = retrain()
    assert (result.challenge.outcome, result.version) == ("keep", "")
    assert "does not replace v1.0.0: better on overall:all, AUC" in result.summary
    assert sound(standin).name == "v1.0.0"
    assert len(versions(standin.root)) == 1
    assert "FAILED: better on overall:all" in standin.git("log", "-1", "--format=%B", "retrain")
    again, lines = retrain()
    assert "lost against v1.0.0" in again.summary
    assert not any("scoring" in line for line in lines)


def test_a_failed_gate_leaves_everything_as_it_was(standin, retrain):
    retrain()
    tip = standin.git("rev-parse", "retrain")
    standin.recipe(gate="fail")
    standin.report(1)
    with pytest.raises(UnmaskError, match="validate: error: 1 hard expectation failed"):
        retrain()
    assert sound(standin).name == "v1.0.0"
    assert standin.git("rev-parse", "retrain") == tip
    assert waiting(standin) == 1, "what the failed run took in still waits"
    standin.recipe(gate="pass")
    result, _ = retrain()
    assert result.promoted
    assert waiting(standin) == 0
    assert result.challenge.intake.startswith("1 labelled")


def test_what_is_not_approved_stays_in_staging(standin, retrain):
    result, _ = retrain(approve=False)
    assert (result.version, result.promoted) == ("v1.0.0", False)
    assert champion(standin.root) is None
    assert read_pointer(standin.state) is None


def test_where_labels_are_wanted_it_does_nothing_before_they_came(standin, retrain):
    retrain()
    standin.report(1)
    standin.capture(2)
    result, lines = retrain(min_labels=2)
    assert (result.challenge.outcome, result.promoted) == ("unchanged", False)
    assert "1 newly labelled pictures wait in the inbox, 2 are wanted" in result.summary
    assert not any("training in group" in line for line in lines)
    standin.report(3)
    assert retrain(min_labels=2)[0].promoted
    assert retrain(min_labels=2)[0].challenge.outcome == "unchanged", "the labels were taken"
    sound(standin)


def test_two_at_once_do_not_mix(standin, retrain):
    with only_run(standin.state), pytest.raises(BusyError, match="nothing was done"):
        retrain()
    assert not (standin.state / "retrain").exists()


def test_branch_and_tags_are_pushed_and_merged_where_asked(standin, retrain, tmp_path):
    standin.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    standin.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    standin.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    standin.git("commit", "--quiet", "--all", "--message", "a remote")
    retrain(push="origin", merge=True)
    pushed = standin.git("ls-remote", "origin")
    assert "refs/heads/retrain" in pushed
    assert "refs/tags/unmask@v1.0.0" in pushed
    assert any((tmp_path / "store").rglob("*"))
    assert standin.git("rev-parse", "main") == standin.git("rev-parse", "retrain")
