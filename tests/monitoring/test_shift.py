import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from unmask.monitoring.shift import areas, column_distances, discrepancies, domain_auc, domain_scores
from unmask.monitoring.shuffles import Shuffles


def cloud(count: int, *, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 12)) + shift


def singles(n: int, m: int, permutations: int = 99) -> Shuffles:
    return Shuffles.of(np.arange(n).astype(str), np.arange(m).astype(str), permutations=permutations, seed=0)


def both(shift: float) -> tuple[np.ndarray, Shuffles]:
    return np.concatenate([cloud(120), cloud(90, shift=shift, seed=1)]), singles(120, 90)


def test_the_distance_of_a_column_is_that_of_kolmogorov_and_smirnov():
    values = np.round(cloud(60)[:, 0], 1)
    shuffles = singles(35, 25)
    for distance, labels in zip(column_distances(values, shuffles), shuffles.labels() > 0, strict=True):
        assert distance == pytest.approx(ks_2samp(values[labels], values[~labels]).statistic, abs=1e-6)


def test_a_constant_column_has_no_distance():
    assert not column_distances(np.full(60, 90.0), singles(35, 25)).any()


def test_areas_are_those_of_scikit_learn_with_ties():
    shuffles = singles(35, 25)
    scores = np.round(cloud(60)[:, :1], 1).repeat(100, axis=1).astype(np.float32)
    for area, labels in zip(areas(scores, shuffles), shuffles.labels(), strict=True):
        assert area == pytest.approx(roc_auc_score(labels, scores[:, 0]))


def test_without_a_shift_the_interval_of_the_area_holds_a_half():
    shuffles, held = singles(60, 40, permutations=39), 0
    for seed in range(20):
        found = domain_auc(domain_scores(cloud(100, seed=seed), shuffles, seed=seed), shuffles, seed=seed)
        held += found.low < 0.5 < found.high
    assert held >= 17


def test_a_shift_is_told_by_the_classifier():
    embeddings, shuffles = both(0.8)
    scores = domain_scores(embeddings, shuffles, seed=0)
    found = domain_auc(scores, shuffles, seed=0)
    assert found.value > 0.9
    assert 0.5 < found.low <= found.value <= found.high
    assert areas(scores, shuffles)[1:].max() < found.value


def test_embeddings_that_are_all_alike_tell_nothing():
    _, shuffles = both(0.0)
    scores = domain_scores(np.ones((210, 12)), shuffles, seed=0)
    assert np.allclose(areas(scores, shuffles), 0.5)


def test_no_row_is_scored_by_a_classifier_that_saw_its_group():
    # rows of a group are copies: a classifier that had seen one would know the others' side
    copies = cloud(20, seed=3).repeat(6, axis=0)
    names = np.arange(20).repeat(6).astype(str)
    shuffles = Shuffles.of(names[:60], names[60:], permutations=1, seed=0)
    assert areas(domain_scores(copies, shuffles, seed=0)[:, :1], Shuffles(shuffles.codes, shuffles.chosen[:1]))[0] < 0.8


def test_the_discrepancy_agrees_with_its_definition():
    x, y = cloud(6), cloud(5, seed=1)
    pooled = np.concatenate([x, y])
    squared = ((pooled[:, None] - pooled) ** 2).sum(-1)
    kernel = np.exp(-squared / np.median(squared))
    expected = kernel[:6, :6].mean() + kernel[6:, 6:].mean() - 2 * kernel[:6, 6:].mean()
    assert discrepancies(pooled, singles(6, 5))[0] == pytest.approx(np.sqrt(expected / 2), abs=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_no_distance_exceeds_the_share_that_moved_but_by_chance(share):
    rng = np.random.default_rng(0)
    new = rng.random(600) < share
    embeddings = np.concatenate([cloud(600), cloud(600, seed=1) + 9.0 * new[:, None]])
    shuffles = singles(600, 600, permutations=3)
    by_column = column_distances(embeddings[:, 0], shuffles)[0]
    by_domain = 2 * areas(domain_scores(embeddings, shuffles, seed=0), shuffles)[0] - 1
    for distance in (by_column, by_domain, discrepancies(embeddings, shuffles)[0]):
        assert share / 3 < distance < share + 0.08
