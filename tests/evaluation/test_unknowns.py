from collections.abc import Callable

import pandas as pd
import pytest

from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Evaluate
from unmask.evaluation.measure import Candidate, generator_rows
from unmask.evaluation.unknowns import listed, not_above, unknowns

Say = Callable[..., str]


@pytest.fixture(scope="module")
def candidate(settings: Evaluate) -> Candidate:
    return judge("student", make_predictions(), settings)


@pytest.fixture
def say(candidate: Candidate) -> Say:
    def build(
        *, shortcut: float = 0.5, quarantined: int = 0, tiers: bool = False, begun: str = "", **columns: object
    ) -> str:
        train = make_predictions().query("split == 'val'").assign(split="train", labelled=True)
        manifest = pd.concat([train, candidate.test.assign(labelled=True)]).assign(**columns)
        audit = [{"source": "s0", "generator": name, "auc": shortcut} for name in ("swap", "region", "warp")]
        rows = generator_rows([candidate], audit)
        return "\n".join(unknowns(manifest, candidate, rows, quarantined=quarantined, tiers=tiers, went_on_from=begun))

    return build


def test_unseen_means_the_generators_without_a_training_label(say: Say) -> None:
    assert "“unseen” here means warp and nothing else" in say()


def test_no_unseen_generator_is_said(say: Say) -> None:
    assert "Generators the detector has never seen: there is none" in say(generator="swap")


def test_single_pictures_leave_clips_unknown(say: Say) -> None:
    assert "no clip-level number" in say()
    assert "no clip-level number" not in say(clip="a")


def test_reals_of_known_sources_only_are_said(say: Say) -> None:
    assert "False positives on cameras" in say(source="one")
    assert "False positives on cameras" not in say()  # here train and test come from different sources


def test_a_strong_shortcut_casts_doubt_on_the_detector(say: Say) -> None:
    assert "more than file statistics" not in say()
    assert "more than file statistics on s0 / region" in say(shortcut=0.999)


def test_files_that_were_never_scored_are_counted(say: Say) -> None:
    assert "1,234 files could not be used" in say(quarantined=1234)


def test_tiers_are_unknown_until_they_are_measured(say: Say) -> None:
    assert "web and hard tiers are not measured" in say()
    assert "web and hard tiers are not measured" not in say(tiers=True)


def test_hidden_labels_are_counted(say: Say) -> None:
    assert "training labels were hidden" not in say()
    assert "240 of 240 training labels were hidden" in say(labelled=False)


@pytest.mark.parametrize(
    ("low", "simple", "doubtful"), [(0.7, 0.6, False), (0.6, 0.7, True), (0.6, 0.3, True), (None, 0.6, False)]
)
def test_a_shortcut_below_one_half_counts_turned_around(low: float | None, simple: float, doubtful: bool) -> None:
    assert not_above({"student": {"auc": {"low": low}}, "shortcut_auc": simple}, "student") is doubtful


def test_long_lists_are_shortened() -> None:
    assert listed([str(n) for n in range(9)]) == "0, 1, 2, 3, 4, 5 and 3 more"


def test_a_model_that_went_on_from_another_says_so(say: Say) -> None:
    assert "weights go on from v1.2.0" in say(begun="v1.2.0")
    assert "weights go on" not in say()
