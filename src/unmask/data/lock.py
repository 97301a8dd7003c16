"""One writer at a time in the data folder."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmask.errors import DataError


@contextmanager
def only_writer(data: Path) -> Iterator[None]:
    """Keep other ingests and forgets out of DATA, and remove what a killed one left under a temporary name.

    Raises:
        DataError: another one is at work.
    """
    descriptor = os.open(data, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left_over in [*data.glob(".*.tmp"), *data.glob("*/.*.tmp")]:
            # Only a killed writer leaves one, and none is running.
            if left_over.is_dir():
                shutil.rmtree(left_over)
            else:
                left_over.unlink(missing_ok=True)
        yield
    except BlockingIOError:
        raise DataError(f"{data}: another ingest or forget is writing there; wait for it to end") from None
    finally:
        os.close(descriptor)
