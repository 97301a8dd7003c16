"""An amount that tasks share: who asks for more than is left waits, in turn."""

import asyncio
from collections import deque


class Budget:
    """SIZE whole units (fractions would not add up again); who asks for more than SIZE gets all of it, alone."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, amount: int) -> int:
        """Wait until AMOUNT is free and take it: what must be given back."""
        wanted = min(amount, self._size)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, turn))
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._hand_out()
            else:
                self.give(wanted)
            raise
        return wanted

    def give(self, amount: int) -> None:
        """Give back what `take` gave, once; in the event loop's thread."""
        self._free += amount
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting:
            wanted, turn = self._waiting[0]
            if turn.cancelled():
                self._waiting.popleft()
            elif wanted <= self._free:
                self._waiting.popleft()
                self._free -= wanted
                turn.set_result(None)
            else:
                return
