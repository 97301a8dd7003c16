"""Room in memory for uploads, which all requests of a worker share."""

import threading

from unmask.serving.problems import Refusal, TryAgain


class Memory:
    """MEGABYTES that may be held at a time; safe to take from any thread."""

    def __init__(self, megabytes: float) -> None:
        self.size = self.free = int(megabytes * 1e6)
        self.lock = threading.Lock()


class Share:
    """What one request holds of MEMORY, until it is closed."""

    def __init__(self, memory: Memory) -> None:
        self._memory, self._held, self._closed = memory, 0, False

    def check(self, size: int) -> None:
        """See whether SIZE more bytes would find room.

        Raises:
            Refusal: 413, there would be none if this request were alone; 503 with Retry-After, there is none now.
        """
        if self._held + size > self._memory.size:
            most = f"{self._memory.size / 1e6:g} MB"
            raise Refusal(413, f"the pictures of this request fill more than {most} of memory; send fewer at a time")
        if size > self._memory.free:
            raise TryAgain(503, "the service holds as many pictures as it may; try again")

    def hold(self, size: int) -> None:
        """Take room for SIZE bytes.

        Raises:
            Refusal: as `check`; 503 also where the request was given up meanwhile.
        """
        with self._memory.lock:
            if self._closed:
                raise TryAgain(503, "the request was given up")
            self.check(size)
            self._held += size
            self._memory.free -= size

    def close(self) -> None:
        """Give all back."""
        with self._memory.lock:
            self._memory.free += self._held
            self._held, self._closed = 0, True
