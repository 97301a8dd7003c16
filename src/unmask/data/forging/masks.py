"""The schema of masks.parquet: where the mask of each fake is, and where it comes from."""

import pyarrow as pa

GIVEN, DIFFERENCE, EXACT = "given", "difference", "exact"
MASKS_SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field(
            "kind", pa.string(), nullable=False
        ),  # given with the data | difference of a pair | exact of a forgery
        pa.field("mask_key", pa.string(), nullable=False),  # given: below build/dataset; others: beside this table
    ]
)
