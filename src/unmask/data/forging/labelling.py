"""labels.parquet, a label vector for every row whose label may be seen, and masks.parquet, where its mask is."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unmask.config import Expand
from unmask.console import track
from unmask.data.decode import decode_mask
from unmask.data.forging.altered import altered_regions, visible_regions
from unmask.data.forging.masks import DIFFERENCE, EXACT, GIVEN, MASKS_SCHEMA
from unmask.data.forging.pairs import pair_regions
from unmask.data.forging.regions import as_points
from unmask.data.forging.targets import Regions, row_targets
from unmask.data.shards import ShardReader
from unmask.labels.graph import LabelGraph

UNSEEN = ""  # no generator's name: of such a row the table knows the root alone


def label_table(
    dataset: Path,
    rows: pd.DataFrame,
    generated: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    graph: LabelGraph,
    settings: Expand,
) -> pd.DataFrame:
    """Columns image_id, target, target_mask (lists of n) for labelled dataset ROWS and GENERATED ones.

    Hidden labels have no row. Regions of generated rows are their columns altered and visible; those of dataset fakes
    come from their own mask, else from their pair in PAIRS, else from the manipulation. Of a region that the crop
    does not show nothing is known, and of a fake in which no face was found the root alone.

    Raises:
        DataError: a mask can't be read.
    """
    seen = rows[rows["labelled"]]
    reader, compared = ShardReader(dataset), pair_regions(pairs)
    found = [
        (row["image_id"], _named(row), compared.get(row["image_id"]) or _regions_of(row, reader))
        for row in track(seen.to_dict("records"), "labels")
    ]
    found += [
        (row["image_id"], row["generator"], Regions(frozenset(row["altered"]), frozenset(row["visible"])))
        for row in generated.to_dict("records")
    ]
    vectors = [
        row_targets(name, regions, graph, physical_inconsistency=settings.physical_inconsistency)
        for _, name, regions in found
    ]
    return pd.DataFrame(
        {
            "image_id": [image_id for image_id, _, _ in found],
            "target": [target.tolist() for target, _ in vectors],
            "target_mask": [known.tolist() for _, known in vectors],
        }
    ).astype({"image_id": str})


def mask_table(rows: pd.DataFrame, generated: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Rows of MASKS_SCHEMA for every labelled fake of ROWS with a mask and every one of GENERATED, by image_id."""
    own = rows[(rows["label"] == "fake") & rows["labelled"]]
    parts = [part.assign(kind=kind) for part, kind in ((own, GIVEN), (pairs, DIFFERENCE), (generated, EXACT))]
    masks = pd.concat([part.loc[part["mask_key"] != "", list(MASKS_SCHEMA.names)] for part in parts])
    return masks.sort_values("image_id", ignore_index=True)


def _named(row: Mapping[Hashable, Any]) -> str:
    if row["label"] != "fake":
        return "real"
    return UNSEEN if row["face_score"] == 0 else str(row["generator"])


def _regions_of(row: Mapping[Hashable, Any], reader: ShardReader) -> Regions | None:
    if row["label"] != "fake" or row["landmarks"] is None:
        return None
    points = as_points(row["landmarks"])
    if not row["mask_key"]:
        return Regions(None, visible_regions(points, (row["height"], row["width"])))
    mask = np.asarray(decode_mask(reader.read(row["mask_key"]))) > 127
    return Regions(*altered_regions(mask, points))
