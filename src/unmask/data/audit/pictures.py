"""The pictures of the gate's page: rows to look at, and a contact sheet a forger."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from unmask.data.forging.masks import GIVEN
from unmask.data.shards import ShardReader
from unmask.data.sheets import contact_sheet, read_mask, read_pixels
from unmask.errors import DataError

SHEET_SETS = 9
TILE_PX = 80
MOST_SHOWN = 12


@dataclass(frozen=True)
class Shown:
    """A row to look at: its picture, None where that can't be read, and what is said below it."""

    image_id: str
    about: str
    picture: Image.Image | None


class Gallery:
    """Pictures of dataset and generated rows by image_id; MASKS is masks.parquet of EXPANDED."""

    def __init__(
        self, dataset: Path, expanded: Path, rows: pd.DataFrame, generated: pd.DataFrame, masks: pd.DataFrame
    ) -> None:
        self._readers = (ShardReader(dataset), ShardReader(expanded))
        self._frames = (rows, generated)
        self._masks = {
            image_id: (self._readers[kind != GIVEN], key)
            for image_id, kind, key in masks[["image_id", "kind", "mask_key"]].itertuples(index=False)
        }
        self._keys = dict(zip(rows["image_id"], rows["key"], strict=True))

    def shown(self, image_ids: Iterable[str]) -> list[Shown]:
        """The first MOST_SHOWN of the rows; ids without a row are left out."""
        wanted = list(image_ids)[:MOST_SHOWN]
        found = []
        for reader, frame in zip(self._readers, self._frames, strict=True):
            for row in frame[frame["image_id"].isin(wanted)].to_dict("records"):
                about = " / ".join(filter(None, (row["source"], row["label"], row["generator"], row["split"])))
                found.append(Shown(row["image_id"], about, _thumbnail(reader, row["key"])))
        return found

    def forger_sheets(self) -> dict[str, Image.Image]:
        """A small contact sheet for each forger of the visible dataset rows and of the generated ones."""
        rows, generated = self._frames
        visible = rows[(rows["label"] == "fake") & rows["labelled"]]
        sheets = {}
        for frame, reader, what in ((visible, self._readers[0], ""), (generated, self._readers[1], " (generated)")):
            for generator, chosen in frame.groupby("generator", sort=True):
                first = chosen.sort_values("image_id").head(SHEET_SETS).to_dict("records")
                sets = [self._set(reader, row["key"], row["image_id"], row["forged_from"]) for row in first]
                sheets[f"{generator}{what}"] = contact_sheet(sets, columns=3, tile_px=TILE_PX)
        return sheets

    def _set(self, reader: ShardReader, key: str, image_id: str, forged_from: str) -> Sequence[NDArray[np.uint8]]:
        origin = self._keys.get(forged_from)
        try:
            pictures = [] if origin is None else [read_pixels(self._readers[0], origin)]
            pictures.append(read_pixels(reader, key))
            return [*pictures, read_mask(*self._masks[image_id])] if image_id in self._masks else pictures
        except DataError:
            # A shard is damaged; the expectations say which.
            return []


def _thumbnail(reader: ShardReader, key: str) -> Image.Image | None:
    try:
        picture = Image.fromarray(read_pixels(reader, key))
    except DataError:
        return None
    picture.thumbnail((TILE_PX, TILE_PX), Image.Resampling.BOX)
    return picture
