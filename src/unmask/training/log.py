"""What a run says of itself: a row an epoch and a row every few steps, nothing of the clock."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Row = dict[str, float]

EVERY_STEPS = 10


class Log:
    """Collects each step's values.

    They stay on the device until an epoch or a checkpoint asks for them, because reading one makes the host wait.
    """

    def __init__(self) -> None:
        self.history: list[Row] = []
        self.steps: list[Row] = []
        self.sums: Row = {}
        self._unread: list[tuple[int, list[str], Tensor, Row]] = []

    def add(self, step: int, values: Mapping[str, Tensor], known: Row) -> Tensor:
        """Note a step's values, those of the device and those known to the host; returns the former, stacked."""
        stacked = torch.stack([value.detach().double() for value in values.values()])
        self._unread.append((step, list(values), stacked, known))
        return stacked

    def close_epoch(self, epoch: int, n_steps: int) -> Row:
        """Mean values of an epoch; the row joins the history, and the caller may add to it."""
        self._read()
        row = {"epoch": float(epoch)} | {name: total / n_steps for name, total in self.sums.items()}
        self.history.append(row)
        self.sums = {}
        return row

    def state(self) -> dict[str, Any]:
        """All that a checkpoint keeps, as plain values."""
        self._read()
        return {"history": self.history, "steps": self.steps, "sums": self.sums}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.history, self.steps, self.sums = state["history"], state["steps"], state["sums"]

    def _read(self) -> None:
        if not self._unread:
            return
        numbers = iter(torch.cat([stacked for _, _, stacked, _ in self._unread]).tolist())
        for step, names, _, known in self._unread:
            row = {name: next(numbers) for name in names} | known
            for name, value in row.items():
                self.sums[name] = self.sums.get(name, 0.0) + value
            if step % EVERY_STEPS == 0:
                self.steps.append({"step": step, **row})
        self._unread = []
