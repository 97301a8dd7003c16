import pytest

from unmask.monitoring.compare import DOMAIN, MMD, Sides, compare
from unmask.monitoring.words import describe, reason


@pytest.fixture(scope="module")
def shifted(make_rows, settings):
    sides = Sides.of(make_rows(240), make_rows(120, seed=1, shift=1.5, prefix="w"), settings, seed=0)
    found = compare(sides, settings, seed=0)
    return {each.name: describe(each, found, sides) for each in found.findings}, found


def test_a_column_is_told_from_where_to_where(shifted, make_rows):
    before = make_rows(240).columns["sharpness"].median()
    assert shifted[0]["sharpness"].startswith(f"sharpness: median {before:.3g} to 1.")


def test_uncertain_verdicts_are_shares(shifted):
    assert shifted[0]["uncertain"].startswith("uncertain verdicts: ")
    assert shifted[0]["uncertain"].count("%") == 2


def test_embeddings_are_told_by_their_own_measures(shifted):
    assert "AUC of telling them apart 1.00 [" in shifted[0][DOMAIN]
    assert "MMD" in shifted[0][MMD]


def test_a_column_that_did_not_move_says_so(shifted):
    assert shifted[0]["jpeg_quality"] == "JPEG quality: median 90"


def test_the_reason_names_the_strongest_of_each_kind_and_counts_the_rest(shifted):
    sentences, found = shifted
    said = reason(found, [sentences[each.name] for each in found.drifted], level=0.02)
    assert said.count("embeddings: ") == 1
    assert "sharpness: " in said
    assert said.endswith("; and 1 more (p 0.005)")


def test_no_drift_says_what_could_not_be_seen(make_rows, settings):
    sides = Sides.of(make_rows(120), make_rows(60, seed=1, prefix="w"), settings, seed=0)
    found = compare(sides, settings, seed=0)
    said = reason(found, [], level=settings.level)
    assert said.startswith("nothing beyond chance (p ")
    assert f"{found.visible:.0%}" in said
    assert 0.1 < found.visible < 0.5
