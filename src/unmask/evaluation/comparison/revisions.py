"""What a person names on the command line: an evaluation folder, or a git revision whose outputs DVC still holds."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.scm import SCMError
from dvc_data.index import DataIndexDirError

from unmask.errors import DataError

OUTPUTS = ("build/evaluation", "build/package/bundle")
SEPARATOR = ":"


def split_candidate(reference: str) -> tuple[str, str]:
    """`build/evaluation:teacher` as folder or revision and candidate, which is empty where none is named."""
    if Path(reference).is_dir() or SEPARATOR not in reference:
        return reference, ""
    where, _, candidate = reference.rpartition(SEPARATOR)
    return where, candidate


@contextmanager
def evaluation_folder(reference: str, root: Path) -> Iterator[Path]:
    """Give the evaluation folder that REFERENCE is or, for a revision of the repository ROOT, a copy that vanishes.

    The copy comes from the DVC cache, or from the default remote where the cache lacks it.

    Raises:
        DataError: it is neither, or the revision's outputs are in neither place.
    """
    if Path(reference).is_dir():
        yield Path(reference)
        return
    with tempfile.TemporaryDirectory(prefix="unmask-compare-") as folder:
        for output in OUTPUTS:
            _fetch(reference, output, root=root, target=Path(folder) / output)
        yield Path(folder) / OUTPUTS[0]


def _fetch(revision: str, output: str, *, root: Path, target: Path) -> None:
    """Copy one output; only the evaluation must be there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        files = DVCFileSystem(str(root), rev=revision)
        if files.isdir(output):
            files.get(output, str(target), recursive=True)
            return
    except SCMError:
        raise DataError(f"{revision}: neither a folder nor a git revision") from None
    except (DvcException, DataIndexDirError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{revision}: DVC can't give {output} ({reason}); `dvc fetch` it there, or evaluate that revision again"
        ) from None
    if output == OUTPUTS[0]:
        raise DataError(f"{revision}: has no {output}; name a revision whose dvc.lock knows the evaluate stage")
