"""How pictures reach the device: crops stay there where they fit, and the next batch is made while a step computes."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from unmask.data.loading import Crops

Item = TypeVar("Item")
Batch = tuple[Tensor, ...]

RESIDENT_SHARE = 0.5  # of the device's free memory; the rest is for networks and their activations


def on_device(crops: Crops, device: torch.device) -> Crops:
    """The crops with their windows on a GPU where they fit; elsewhere as they are."""
    if device.type != "cuda" or crops.windows.nbytes > RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
        return crops
    return dataclasses.replace(crops, windows=crops.windows.to(device))


def ahead(
    items: Iterable[Item], prepare: Callable[[Item], Batch], device: torch.device
) -> Iterator[tuple[Item, Batch]]:
    """Yield each item with PREPARE of it, in order; a thread makes the next batch while the caller works on the last.

    What PREPARE draws must hang on its item alone. On a GPU it runs on a stream of its own, so that it waits for no
    step.
    """
    made = _beside(prepare, device)
    torch.get_num_threads()  # a thread that has not asked yet would take over what the pool sets for itself
    with ThreadPoolExecutor(1, initializer=_one_thread) as pool:
        waiting: tuple[Item, Future[Batch]] | None = None
        for item in items:
            following = item, pool.submit(made, item)
            if waiting is not None:
                yield waiting[0], _taken(waiting[1].result())
            waiting = following
        if waiting is not None:
            yield waiting[0], _taken(waiting[1].result())


def _one_thread() -> None:
    """Keep the making of a batch to one core: two teams of threads on the same cores wait for each other."""
    torch.set_num_threads(1)


def _beside(prepare: Callable[[Item], Batch], device: torch.device) -> Callable[[Item], Batch]:
    if device.type != "cuda":
        return prepare
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def made(item: Item) -> Batch:
        with torch.cuda.stream(stream):
            batch = prepare(item)
        stream.synchronize()
        return batch

    return made


def _taken(batch: Batch) -> Batch:
    for tensor in batch:
        if tensor.is_cuda:
            # Else the other stream's allocator might reuse the memory before this one has read it.
            tensor.record_stream(torch.cuda.current_stream(tensor.device))
    return batch
