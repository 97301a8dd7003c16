"""What users reported has its share of each batch and no more; the rest is what the network knows."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.data.loading import Crops
from unmask.training.replay import Draw, Replay
from unmask.training.supervised import balanced_batches, domain_batches

DRAWS: list[Draw] = [balanced_batches, domain_batches]


def crops(known: tuple[int, int], reported: tuple[int, int]) -> Crops:
    """Reals and fakes that nobody reported, in three domains, those that users did, and two without a label."""
    labels = ["real"] * known[0] + ["fake"] * known[1] + ["real"] * reported[0] + ["fake"] * reported[1] + ["", ""]
    count, blank = len(labels), torch.zeros(len(labels), 1)
    place = torch.arange(count)
    real, fake = (torch.tensor([label == name for label in labels]) for name in ("real", "fake"))
    return Crops(
        image_id=[str(n) for n in range(count)],
        windows=blank,
        target=blank,
        known=blank,
        real=real,
        fake=fake,
        reported=(place >= sum(known)) & (place < count - 2),
        domain=torch.where(place < sum(known), place % 3, -1),
        group=place,
    )


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.tuples(st.integers(0, 12), st.integers(0, 12)),
    st.integers(1, 10),
    st.builds(Replay, st.sampled_from([0.0, 0.5, 0.75, 0.9, 1.0]), st.integers(1, 6)),
    st.sampled_from(DRAWS),
)
def test_each_batch_keeps_its_share_and_no_reported_picture_comes_too_often(
    known: tuple[int, int], reported: tuple[int, int], half: int, replay: Replay, draw: Draw
) -> None:
    found = crops(known, reported)
    batches = replay.around(draw)(found, 2 * half, seed=3, epoch=1)
    share, repeats = replay.share, replay.repeats
    drawn: Counter[int] = Counter()
    for flag, new in ((found.real, reported[0]), (found.fake, reported[1])):
        mixes = []
        for batch in batches:
            of_class = [row for row in batch if flag[row]]
            assert len(of_class) == len(batch) // 2
            mixes.append(sum(bool(found.reported[row]) for row in of_class))
            assert mixes[-1] <= (1 - share) * len(of_class) + 1e-9
            drawn.update(row for row in of_class if found.reported[row])
        room = sum(int((1 - share) * (len(batch) // 2) + 1e-9) for batch in batches)
        assert sum(mixes) == min(room, repeats * new)  # never fewer than there is room and leave for
        assert max(mixes) - min(mixes) <= 1 + (len({len(batch) for batch in batches}) > 1) * half
    assert max(drawn.values(), default=0) <= repeats


@pytest.mark.parametrize("draw", DRAWS)
def test_without_reports_batches_are_what_they_were(draw: Draw) -> None:
    found = crops((20, 30), (0, 0))
    assert Replay(0.75, 8).around(draw)(found, 8, seed=1, epoch=0) == draw(found, 8, seed=1, epoch=0)


def test_dozens_of_reports_are_seen_among_hundreds() -> None:
    found = crops((320, 840), (0, 30))
    batches = Replay(0.75, 8).around(domain_batches)(found, 64, seed=1, epoch=0)
    counts = [sum(bool(found.reported[row]) for row in batch) for batch in batches]
    assert set(counts) == {8}
    assert len(batches) == 840 // 32


def test_a_single_report_does_not_rule_an_epoch() -> None:
    found = crops((320, 840), (0, 1))
    batches = Replay(0.75, 8).around(balanced_batches)(found, 64, seed=1, epoch=0)
    assert sum(bool(found.reported[row]) for batch in batches for row in batch) == 8


def test_what_is_left_is_still_shared_out_among_the_domains() -> None:
    found = crops((60, 60), (9, 9))
    for batch in Replay(0.75, 8).around(domain_batches)(found, 24, seed=1, epoch=0):
        share = Counter(int(found.domain[row]) for row in batch if found.fake[row])
        assert share == {-1: 3, 0: 3, 1: 3, 2: 3}


def test_a_class_of_reports_alone_is_drawn_as_ever() -> None:
    found = crops((20, 0), (0, 9))
    for batch in Replay(0.75, 1).around(balanced_batches)(found, 8, seed=1, epoch=0):
        assert sum(bool(found.fake[row]) for row in batch) == 4


def test_batches_repeat_for_an_epoch_and_differ_between_epochs() -> None:
    found, draw = crops((20, 30), (4, 4)), Replay(0.5, 8).around(domain_batches)
    first, again, other = (draw(found, 8, seed=1, epoch=epoch) for epoch in (0, 0, 1))
    assert first == again != other
    assert len(first) == len(other)
