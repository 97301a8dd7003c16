import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.serving.batcher import Batcher

CALLERS = st.lists(
    st.tuples(st.sampled_from("ab"), st.lists(st.integers(-9, 99), max_size=5), st.integers(0, 2)), max_size=12
)


class Spoilt(Exception):  # noqa: N818  (what a task may raise)
    pass


class Work:
    """Doubles numbers for a model and remembers its runs; negative ones fail, and only they."""

    def __init__(self):
        self.runs = []

    def __call__(self, model, tasks):
        self.runs.append((model, tasks))
        return [Spoilt(task) if task < 0 else (model, 2 * task) for task in tasks]


class Gate(Work):
    """Work that begins when it is opened."""

    def __init__(self):
        super().__init__()
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, model, tasks):
        self.begun.set()
        assert self.open.wait(5)
        return super().__call__(model, tasks)


def in_batches(work, scenario, *, batch=4, runs=2):
    """Outcome of an async SCENARIO with a batcher that does WORK."""
    with ThreadPoolExecutor(runs) as pool:

        async def play():
            return await scenario(Batcher(work, pool=pool, batch=batch, runs=runs, on_run=lambda _: None))

        return asyncio.run(play())


@settings(deadline=None, max_examples=60)
@given(callers=CALLERS, batch=st.integers(1, 6), runs=st.integers(1, 3))
def test_each_caller_gets_its_own_answers_however_calls_interleave(callers, batch, runs):
    work = Work()

    async def call(batcher, model, tasks, pauses):
        for _ in range(pauses):
            await asyncio.sleep(0)
        return await batcher.submit(model, tasks)

    async def scenario(batcher):
        return await asyncio.gather(*(call(batcher, *caller) for caller in callers), return_exceptions=True)

    for (model, tasks, _), got in zip(callers, in_batches(work, scenario, batch=batch, runs=runs), strict=True):
        if any(task < 0 for task in tasks):
            assert isinstance(got, Spoilt)
            assert got.args[0] in tasks
        else:
            assert got == [(model, 2 * task) for task in tasks]
    assert all(1 <= len(tasks) <= batch for _, tasks in work.runs)


def test_what_waits_becomes_a_batch_of_one_model():
    gate = Gate()

    async def scenario(batcher):
        calls = [asyncio.ensure_future(batcher.submit(model, [number])) for number, model in enumerate("abab")]
        await asyncio.sleep(0)
        gate.open.set()
        return await asyncio.gather(*calls)

    assert in_batches(gate, scenario, runs=1) == [[("a", 0)], [("b", 2)], [("a", 4)], [("b", 6)]]
    assert gate.runs == [("a", [0]), ("b", [1, 3]), ("a", [2])]


def test_a_thread_leaves_the_others_their_share_of_what_waits():
    gate = Gate()

    async def scenario(batcher):
        call = asyncio.ensure_future(batcher.submit("a", list(range(8))))
        await asyncio.sleep(0)
        gate.open.set()
        await call

    in_batches(gate, scenario, batch=32, runs=2)
    assert sorted(len(tasks) for _, tasks in gate.runs) == [1, 1, 2, 4]


def test_one_picture_does_not_wait_for_all_of_another_request():
    gate = Gate()

    async def scenario(batcher):
        many = asyncio.ensure_future(batcher.submit("a", list(range(9))))
        await asyncio.sleep(0)
        one = asyncio.ensure_future(batcher.submit("a", [50]))
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(many, one)

    in_batches(gate, scenario, batch=3, runs=1)
    assert [tasks for _, tasks in gate.runs] == [[0, 1, 2], [3, 50, 4], [5, 6, 7], [8]]


def test_work_that_nobody_waits_for_is_dropped():
    gate = Gate()

    async def scenario(batcher):
        first = asyncio.ensure_future(batcher.submit("a", [1]))
        await asyncio.to_thread(gate.begun.wait, 5)
        left, stays = (asyncio.ensure_future(batcher.submit("a", [number])) for number in (2, 3))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        gate.open.set()
        assert await asyncio.gather(first, stays) == [[("a", 2)], [("a", 6)]]

    in_batches(gate, scenario, runs=1)
    assert gate.runs == [("a", [1]), ("a", [3])]


def test_a_run_that_fails_fails_for_its_callers_and_no_others():
    def work(model, tasks):
        if model == "broken":
            raise Spoilt("all of it")
        return tasks

    async def scenario(batcher):
        with pytest.raises(Spoilt, match="all of it"):
            await batcher.submit("broken", [1, 2])
        return await batcher.submit("whole", [3])

    assert in_batches(work, scenario) == [3]


def test_no_task_no_wait():
    assert in_batches(Work(), lambda batcher: batcher.submit("a", [])) == []
