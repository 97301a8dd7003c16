"""How strongly a label depends on something that has nothing to do with forgery."""

import math

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

MIN_ROWS = 10
OPTIONAL = ("quantisation", "subsampling", "mode", "profile")


def cramers_v(first: pd.Series, second: pd.Series) -> float:
    """Cramer's V of two categorical columns, in [0, 1], corrected for small samples; 0 where one is constant.

    Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", 2013, eq. 6-8.
    """
    table = pd.crosstab(first.to_numpy(), second.to_numpy()).to_numpy()
    count, (rows, columns) = table.sum(), table.shape
    if min(rows, columns) < 2 or count < 2:
        return 0.0
    chi2 = chi2_contingency(table, correction=False)[0]
    excess = max(0.0, chi2 / count - (rows - 1) * (columns - 1) / (count - 1))
    side = min(rows - (rows - 1) ** 2 / (count - 1), columns - (columns - 1) ** 2 / (count - 1)) - 1
    return float(min(1.0, np.sqrt(excess / side))) if side > 0 else 0.0


def binned(values: pd.Series, bins: int = 5) -> pd.Series:
    """A number as a category: its quantile bin; few distinct values stay as they are."""
    if values.nunique() <= bins:
        return values.astype(str)
    return pd.qcut(values.rank(method="average"), bins, duplicates="drop").astype(str)


def histories(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """What is known of each picture before it was taken in, as categories by name: format, size, quality and the like.

    Quantisation tables, chroma subsampling, colour mode and profile take part where the manifest has them.
    """
    found = {
        "format": rows["format"],
        "size": binned(rows["picture_width"].astype(float) * rows["picture_height"]),
        "quality": binned(rows["jpeg_quality"]),
    }
    return found | {name: rows[name].astype(str) for name in OPTIONAL if name in rows.columns}


def size_texts(rows: pd.DataFrame) -> pd.Series:
    """Size of each original picture as text, such as `1920 x 1080 px`."""
    sides = zip(rows["picture_width"], rows["picture_height"], strict=True)
    return pd.Series([f"{width} x {height} px" for width, height in sides], rows.index, dtype=str)


def strongest_within_sources(seen: pd.DataFrame, *, bound: float) -> tuple[float, list[str]]:
    """The largest Cramer's V of label and history within one source, and a sentence for each above BOUND.

    Sources with fewer than MIN_ROWS of either label are left out; NaN where that leaves none.
    """
    strongest, sentences = math.nan, []
    for source, rows in seen.groupby("source", sort=True):
        if min((rows["label"] == label).sum() for label in ("real", "fake")) < MIN_ROWS:
            continue
        for what, values in histories(rows).items():
            strength = cramers_v(rows["label"], values)
            strongest = np.fmax(strongest, strength)
            if strength > bound:
                sentences.append(f"{source}: label follows {what} ({strength:.2f})")
    return float(strongest), sentences


def uniform_classes(seen: pd.DataFrame) -> list[str]:
    """Sentences on sources whose reals or fakes are all of one size or format, and those they are held against not.

    They are held against the other label of the same source, or of all sources where it has none.
    """
    sizes = size_texts(seen)
    sentences = []
    for (source, label), rows in seen.groupby(["source", "label"], sort=True):
        others = seen[seen["label"] != label]
        own = others[others["source"] == source]
        others = own if len(own) else others
        if min(len(rows), len(others)) < MIN_ROWS:
            continue
        for values in (sizes, seen["format"]):
            found = set(values[rows.index])
            if len(found) == 1 and set(values[others.index]) != found:
                other = "fakes" if label == "real" else "reals"
                sentences.append(f"{source}: all {len(rows):,} {label}s are {found.pop()}, the {other} are not")
    return sentences
