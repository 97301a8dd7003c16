"""labels.parquet: a label vector for every row whose label may be seen."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unmask.config import Expand
from unmask.console import track
from unmask.data.decode import decode_mask
from unmask.data.forging.altered import altered_regions
from unmask.data.forging.regions import as_points
from unmask.data.forging.targets import Regions, row_targets
from unmask.data.shards import ShardReader
from unmask.labels.graph import LabelGraph


def label_table(
    dataset: Path, rows: pd.DataFrame, generated: pd.DataFrame, *, graph: LabelGraph, settings: Expand
) -> pd.DataFrame:
    """Columns image_id, target, target_mask (lists of n) for labelled dataset ROWS and GENERATED ones.

    Hidden labels have no row. Regions of generated rows are their columns altered and visible; those of dataset fakes
    come from their own mask, where there is one and landmarks to read it by.

    Raises:
        DataError: a mask can't be read.
    """
    seen = rows[rows["labelled"]]
    reader = ShardReader(dataset)
    found = [
        (row["image_id"], row["generator"] if row["label"] == "fake" else "real", _regions_of(row, reader))
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


def _regions_of(row: Mapping[Hashable, Any], reader: ShardReader) -> Regions | None:
    if row["label"] != "fake" or not row["mask_key"] or row["landmarks"] is None:
        return None
    mask = np.asarray(decode_mask(reader.read(row["mask_key"]))) > 127
    return Regions(*altered_regions(mask, as_points(row["landmarks"])))
