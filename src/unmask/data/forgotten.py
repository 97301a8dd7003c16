"""The hashes of what was forgotten, kept in the data folder so that no later ingest takes it in again."""

import re
from collections.abc import Iterable
from pathlib import Path

from unmask.errors import DataError
from unmask.files import replacing

FORGOTTEN = "forgotten.txt"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_forgotten(data: Path) -> set[str]:
    """SHA-256 of the bytes of every file that was forgotten.

    Raises:
        DataError: the list holds something else.
    """
    path = data / FORGOTTEN
    if not path.is_file():
        return set()
    hashes = path.read_text(encoding="ascii", errors="replace").split()
    odd = next((text for text in hashes if not _SHA256.fullmatch(text)), None)
    if odd is not None:
        raise DataError(f"{path}: {odd[:70]!r} is no SHA-256; restore the list with `dvc checkout data.dvc`")
    return set(hashes)


def write_forgotten(data: Path, hashes: Iterable[str]) -> None:
    """Replace the list."""
    with replacing(data / FORGOTTEN) as temporary:
        temporary.write_text("".join(f"{sha256}\n" for sha256 in sorted(hashes)), encoding="ascii")
