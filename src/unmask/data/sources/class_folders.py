"""What the layouts share that name each generator's folder and, in it, one folder for real and one for fake."""

import re
from collections.abc import Callable

from unmask.data.sources.layout import CAMERA, Finding, Found
from unmask.data.sources.tree import Tree

SPLITS = ("train", "val", "test")


def find_classes(
    tree: Tree,
    pattern: re.Pattern[str],
    *,
    source: str,
    generator_of: Callable[[re.Match[str]], tuple[str, str]],
    real: str,
) -> Finding:
    """Find files whose path PATTERN takes apart into split, generator and `kind`, the folder that tells the label.

    GENERATOR_OF gives the generator and a category. Each generator becomes a source of its own, with the reals that
    were collected for it: they differ from one to the next, and so a generator is judged against its own.
    """
    finding = Finding()
    for path in tree.paths:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        generator, category = generator_of(match)
        is_real = match["kind"] == real
        finding.take(
            Found(
                path,
                f"{source}-{generator}",
                path,
                "real" if is_real else "fake",
                CAMERA if is_real else generator,
                attributes={"category": category, "official_split": match["split"] or ""},
            )
        )
    return finding
