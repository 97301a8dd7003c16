"""Whether reals and fakes are both there in number, and come from what they claim to come from."""

import pandas as pd

from unmask.labels.table import REAL_GENERATORS, is_known


def smaller_share(seen: pd.DataFrame) -> float:
    """Share of the smaller class among labelled rows; 0 where there are none."""
    fakes = float((seen["label"] == "fake").mean()) if len(seen) else 0.0
    return min(fakes, 1.0 - fakes)


def lopsided_sources(seen: pd.DataFrame, *, least: float) -> list[str]:
    """Sources with fewer than LEAST (a share) reals or fakes among their labelled rows, in a sentence each."""
    sentences = []
    for source, rows in seen.groupby("source", sort=True):
        if smaller_share(rows) < least:
            fakes = int((rows["label"] == "fake").sum())
            sentences.append(f"{source}: {len(rows) - fakes:,} real, {fakes:,} fake")
    return sentences


def forged_reals(rows: pd.DataFrame) -> list[str]:
    """Reals whose generator is a known manipulation or also made fakes here."""
    forgers = set(rows.loc[rows["label"] == "fake", "generator"])
    reals = rows[rows["label"] == "real"]
    plain = reals["generator"].str.lower()
    suspect = reals["generator"].map(is_known).astype(bool) | reals["generator"].isin(forgers)
    return list(reals.loc[suspect & ~plain.isin(REAL_GENERATORS), "image_id"])


def fakes_without_generator(rows: pd.DataFrame) -> list[str]:
    """Fakes that name no generator, or a camera."""
    fakes = rows[rows["label"] == "fake"]
    return list(fakes.loc[fakes["generator"].str.lower().isin(("", *REAL_GENERATORS)), "image_id"])


def unknown_generators(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Rows by generator of fakes that the label table does not know: only `fake` is known of them."""
    fakes = rows[(rows["label"] == "fake") & ~rows["generator"].str.lower().isin(("", *REAL_GENERATORS))]
    grouped = fakes.groupby("generator", sort=True)["image_id"].agg(list)
    return {str(generator): ids for generator, ids in grouped.items() if not is_known(str(generator))}
