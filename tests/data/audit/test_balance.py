import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.data.audit.balance import (
    fakes_without_generator,
    forged_reals,
    lopsided_sources,
    smaller_share,
    unknown_generators,
)


def rows(*labels_and_generators: tuple[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(labels_and_generators, columns=["label", "generator"])
    return frame.assign(image_id=[f"id{n}" for n in range(len(frame))], source="s")


@given(st.lists(st.sampled_from(["real", "fake"]), min_size=1))
def test_the_smaller_share_is_at_most_a_half_and_does_not_care_which(labels):
    seen = pd.DataFrame({"label": labels})
    other = seen.replace({"real": "fake", "fake": "real"})
    assert 0 <= smaller_share(seen) <= 0.5
    assert smaller_share(seen) == pytest.approx(smaller_share(other))


def test_no_rows_are_no_balance():
    assert smaller_share(pd.DataFrame({"label": []})) == 0


def test_a_source_is_lopsided_below_the_bound_only():
    seen = rows(*[("real", "camera")] * 8, *[("fake", "swap")] * 2)
    assert lopsided_sources(seen, least=0.2) == []
    assert lopsided_sources(seen, least=0.25) == ["s: 8 real, 2 fake"]


@pytest.mark.parametrize(
    ("generator", "forged"),
    [
        ("camera", False),
        ("Camera", False),
        ("pixel 9", False),
        ("StyleGAN2", True),
        ("style-gan2", True),
        ("new", True),
    ],
)
def test_a_real_of_a_known_forger_or_of_one_that_made_fakes_here_is_forged(generator, forged):
    assert bool(forged_reals(rows(("real", generator), ("fake", "new")))) == forged


@pytest.mark.parametrize(("generator", "named"), [("", False), ("camera", False), ("Real", False), ("new", True)])
def test_a_fake_needs_a_generator_that_is_no_camera(generator, named):
    assert bool(fakes_without_generator(rows(("fake", generator)))) != named


def test_unknown_generators_come_with_their_rows():
    found = unknown_generators(
        rows(("fake", "new"), ("fake", "Deepfakes"), ("fake", ""), ("real", "odd"), ("fake", "new"))
    )
    assert found == {"new": ["id0", "id4"]}
