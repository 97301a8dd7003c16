"""The next batch is made ahead, in order and once; errors reach the caller."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from tests.datasets import checkered, row, write_dataset
from tests.training.test_stages import config
from unmask.training.feeding import ahead, on_device
from unmask.training.folders import Folders

CPU = torch.device("cpu")


def test_items_come_in_order_with_their_batches() -> None:
    made = [(item, int(batch[0])) for item, batch in ahead(range(5), lambda n: (torch.tensor(n * n),), CPU)]
    assert made == [(n, n * n) for n in range(5)]
    assert list(ahead([], lambda n: (torch.tensor(n),), CPU)) == []


def test_the_next_batch_is_made_while_the_caller_works() -> None:
    made = [threading.Event() for _ in range(3)]

    def prepare(n: int) -> tuple[torch.Tensor]:
        made[n].set()
        return (torch.tensor(n),)

    batches = ahead(range(3), prepare, CPU)
    next(batches)
    assert made[1].wait(5)
    assert not made[2].is_set()
    assert [n for n, _ in batches] == [1, 2]


def test_an_error_while_making_a_batch_reaches_the_caller() -> None:
    def prepare(n: int) -> tuple[torch.Tensor]:
        if n == 1:
            raise OSError("no such shard")
        return (torch.tensor(n),)

    batches = ahead(range(3), prepare, CPU)
    next(batches)
    with pytest.raises(OSError, match="no such shard"):
        next(batches)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    rows = [row(n, label="real" if n % 2 else "fake", split="train", labelled=True) for n in range(6)]
    dataset, expanded = write_dataset(tmp_path, rows, checkered)
    return Folders(dataset=dataset, expanded=expanded)


def test_crops_stay_where_they_are_without_a_gpu(folders: Folders) -> None:
    crops = folders.training_crops(config(), unlabelled=False)
    assert on_device(crops, CPU) is crops


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_crops_move_to_a_gpu_that_has_room(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = folders.training_crops(config(), unlabelled=False)
    gpu = torch.device("cuda")
    assert on_device(crops, gpu).windows.is_cuda
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (crops.windows.nbytes, 10**12))
    assert on_device(crops, gpu) is crops


def test_the_callers_own_threads_stay() -> None:
    code = (
        "import torch; from unmask.training.feeding import ahead;"
        "list(ahead([1], lambda n: (torch.ones(n),), torch.device('cpu'))); print(torch.get_num_threads())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "2"
