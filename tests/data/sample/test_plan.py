from typing import get_args

import pytest

from unmask.data.sample.forgers import SEEN, UNSEEN
from unmask.data.sample.plan import FULL, Batch, album_people, plan_batch


def test_both_batches_together_have_the_promised_size() -> None:
    assert sum(c.real for c in FULL.values()) == 1200
    assert sum(c.unlabelled for c in FULL.values()) == 600
    assert 1150 <= sum(c.seen * len(SEEN) + c.unseen * len(UNSEEN) for c in FULL.values()) <= 1300


@pytest.mark.parametrize("batch", get_args(Batch))
def test_people_of_unseen_forgeries_appear_nowhere_else(batch: Batch) -> None:
    items = plan_batch(7, batch, FULL[batch])
    unseen = {i.person for i in items if i.forger in UNSEEN}
    others = {i.person for i in items if i.forger not in UNSEEN} | set(album_people(FULL[batch].album, batch))
    assert not unseen & others


def test_batches_share_no_person() -> None:
    first, second = ({i.person for i in plan_batch(7, b, FULL[b])} for b in get_args(Batch))
    assert not first & second


def test_plan_depends_on_the_seed() -> None:
    assert plan_batch(7, 2, FULL[2]) == plan_batch(7, 2, FULL[2])
    assert plan_batch(7, 2, FULL[2]) != plan_batch(8, 2, FULL[2])


def test_unlabelled_pictures_mix_camera_and_seen_forgers() -> None:
    hidden = [i.forger for i in plan_batch(7, 1, FULL[1]) if i.path.startswith("unlabelled/")]
    assert 0.4 < sum(f == "" for f in hidden) / len(hidden) < 0.6
    assert set(hidden) == {"", *SEEN}
