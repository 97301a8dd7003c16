import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.serving.budget import Budget


@settings(deadline=None, max_examples=60)
@given(amounts=st.lists(st.tuples(st.integers(1, 15), st.integers(0, 3), st.booleans()), max_size=12))
def test_never_more_is_out_than_there_is_and_all_comes_back(amounts):
    async def play():
        budget, out = Budget(10), 0

        async def user(amount, pauses):
            nonlocal out
            taken = await budget.take(amount)
            out += taken
            assert out <= 10
            for _ in range(pauses):
                await asyncio.sleep(0)
            out -= taken
            budget.give(taken)

        users = [asyncio.ensure_future(user(amount, pauses)) for amount, pauses, _ in amounts]
        await asyncio.sleep(0)
        waiting = [each for each, (_, _, leaves) in zip(users, amounts, strict=True) if leaves and not out]
        for each in waiting:
            each.cancel()
        await asyncio.wait_for(asyncio.gather(*users, return_exceptions=True), 5)
        assert await asyncio.wait_for(budget.take(10), 5) == 10

    asyncio.run(play())


def test_a_small_amount_waits_behind_a_large_one_that_was_first():
    async def play():
        budget, order = Budget(10), []

        async def user(name, amount):
            await budget.take(amount)
            order.append(name)

        first = await budget.take(8)
        users = [asyncio.ensure_future(user(*each)) for each in (("large", 9), ("small", 1))]
        await asyncio.sleep(0)
        assert order == []
        budget.give(first)
        await asyncio.gather(*users)
        assert order == ["large", "small"]

    asyncio.run(play())


@pytest.mark.parametrize("handed", [False, True], ids=["while it waits", "when its turn has just come"])
def test_who_leaves_keeps_nothing(handed):
    async def play():
        budget = Budget(10)
        first = await budget.take(10)
        leaving = asyncio.ensure_future(budget.take(10))
        await asyncio.sleep(0)
        if handed:
            budget.give(first)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        if not handed:
            budget.give(first)
        assert await asyncio.wait_for(budget.take(10), 5) == 10

    asyncio.run(play())
