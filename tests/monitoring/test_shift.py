import numpy as np
import pytest

from unmask.monitoring.shift import discrepancy, domain_auc


def cloud(count: int, *, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 12)) + shift


def groups(count: int, prefix: str) -> np.ndarray:
    return np.array([f"{prefix}{n}" for n in range(count)])


def both(shift: float) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    drawn = cloud(210)
    return drawn[:120], drawn[120:] + shift, (groups(120, "a"), groups(90, "b"))


def test_without_a_shift_the_interval_holds_a_half():
    found = domain_auc(*both(0.0), seed=0)
    assert found.low < 0.5 < found.high


def test_a_shift_is_seen():
    found = domain_auc(*both(0.8), seed=0)
    assert found.value > 0.9
    assert 0.5 < found.low <= found.value <= found.high


def test_a_group_on_both_sides_is_not_told_apart_by_memory():
    shared = cloud(40, seed=3).repeat(2, axis=0)
    found = domain_auc(shared[::2], shared[1::2], (groups(40, "p"), groups(40, "p")), seed=0)
    assert found.value == pytest.approx(0.5, abs=0.05)


def test_too_few_rows_give_no_number():
    assert domain_auc(cloud(50), cloud(5), (groups(50, "a"), groups(5, "b")), seed=0) is None


def test_the_discrepancy_of_one_distribution_is_near_zero():
    reference, current, _ = both(0.0)
    found = discrepancy(reference, current, seed=0)
    assert found.value == pytest.approx(0, abs=0.01)
    assert found.p_value > 0.01


def test_the_discrepancy_of_a_shift_is_beyond_chance():
    reference, current, _ = both(0.8)
    found = discrepancy(reference, current, seed=0)
    assert found.value > 0.05
    assert found.p_value == pytest.approx(1 / 201)


def test_the_discrepancy_agrees_with_its_definition():
    x, y = cloud(6), cloud(5, seed=1)
    pooled = np.concatenate([x, y])
    squared = ((pooled[:, None] - pooled) ** 2).sum(-1)
    kernel = np.exp(-squared / np.median(squared[np.triu_indices(11, 1)]))
    one = (kernel[:6, :6].sum() - 6) / (6 * 5)
    two = (kernel[6:, 6:].sum() - 5) / (5 * 4)
    assert discrepancy(x, y, seed=0).value == pytest.approx(one + two - 2 * kernel[:6, 6:].mean(), abs=1e-12)
