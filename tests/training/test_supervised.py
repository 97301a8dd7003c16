"""Batches hold as many reals as fakes, and of each domain alike."""

from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.data.loading import Crops
from unmask.errors import DataError
from unmask.labels.graph import FFPP
from unmask.training import supervised
from unmask.training.supervised import domain_batches, supervised_levels

COUNTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=5).filter(
    lambda counts: any(real for real, _ in counts) and any(fake for _, fake in counts)
)


def crops(counts: list[tuple[int, int]]) -> Crops:
    """Crops of domains with so many reals and fakes each, and some without a label."""
    kinds = [
        (domain, kind)
        for domain, (real, fake) in enumerate(counts)
        for kind in ["real"] * real + ["fake"] * fake + ["unlabelled"]
    ]
    flags = {kind: torch.tensor([each == kind for _, each in kinds]) for kind in ("real", "fake")}
    return SimpleNamespace(domain=torch.tensor([domain for domain, _ in kinds]), **flags)  # type: ignore[return-value]


def shares(found: Crops, batch: list[int], flag: torch.Tensor) -> Counter[int]:
    return Counter(int(found.domain[row]) for row in batch if flag[row])


@settings(max_examples=60)
@given(COUNTS, st.integers(1, 8), st.integers(0, 3))
def test_each_half_is_shared_out_evenly_among_the_domains_that_have_such_crops(
    counts: list[tuple[int, int]], half: int, epoch: int
) -> None:
    found = crops(counts)
    for batch in domain_batches(found, 2 * half, seed=3, epoch=epoch):
        for flag, column in ((found.real, 0), (found.fake, 1)):
            rows = [row for row in batch if flag[row]]
            assert len(rows) == len(batch) // 2
            have = {domain: count[column] for domain, count in enumerate(counts) if count[column]}
            if len(rows) <= sum(have.values()):
                share = shares(found, batch, flag)
                largest = max(share.values())
                # Who has less than the largest share, by more than the remainder, has nothing left.
                assert all(share[domain] >= min(largest - 1, have[domain]) for domain in have)
                assert all(share[domain] <= have[domain] for domain in share)


def test_a_domain_without_reals_leaves_its_share_to_the_others() -> None:
    found = crops([(20, 20), (0, 20), (20, 20)])
    for batch in domain_batches(found, 12, seed=1, epoch=0):
        assert shares(found, batch, found.real) == {0: 3, 2: 3}
        assert shares(found, batch, found.fake) == {0: 2, 1: 2, 2: 2}


def test_a_domain_with_a_single_real_stands_once_in_every_batch() -> None:
    found = crops([(40, 40), (1, 40)])
    for batch in domain_batches(found, 16, seed=1, epoch=0):
        assert shares(found, batch, found.real) == {0: 7, 1: 1}


def test_what_does_not_divide_evenly_evens_out_over_an_epoch() -> None:
    found = crops([(30, 30), (30, 30), (30, 30)])
    total = sum((shares(found, batch, found.real) for batch in domain_batches(found, 20, seed=1, epoch=0)), Counter())
    assert max(total.values()) - min(total.values()) <= 1


def test_every_crop_of_equal_domains_comes_in_an_epoch() -> None:
    found = crops([(12, 12), (12, 12)])
    seen = {row for batch in domain_batches(found, 8, seed=1, epoch=0) for row in batch}
    assert seen == set(torch.nonzero(found.real | found.fake).flatten().tolist())


def test_batches_repeat_for_an_epoch_and_differ_between_epochs() -> None:
    found = crops([(20, 20), (9, 3)])
    first, again, other = (domain_batches(found, 8, seed=1, epoch=epoch) for epoch in (0, 0, 1))
    assert first == again != other
    assert len(first) == len(other)


def test_without_fakes_the_remedy_is_named() -> None:
    with pytest.raises(DataError, match="labelled_fraction"):
        domain_batches(crops([(3, 0)]), 4, seed=1, epoch=0)


def test_losses_are_outside_autocast_which_refuses_cross_entropy_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def entropy(marginals: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        seen.append(torch.is_autocast_enabled("cpu"))
        return torch.zeros_like(marginals)

    monkeypatch.setattr(supervised, "binary_cross_entropy", entropy)
    marginals = torch.full((2, 10), 0.5, dtype=torch.float64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        supervised_levels(marginals, torch.zeros(2, 10), torch.ones(2, 10), FFPP, cross_entropy=0.5)
    assert seen == [False]
