"""Contact sheets: small pictures in a grid, so that a person can look at what the pipeline made."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from unmask.data.decode import decode_image, decode_mask
from unmask.data.shards import ShardReader
from unmask.files import replacing

GAP_PX = 4
SHEET_SETS = 24


def contact_sheet(rows: Sequence[Sequence[NDArray[np.uint8]]], *, columns: int, tile_px: int) -> Image.Image:
    """Lay out ROWS, each a set of pictures (h, w, 3) or masks (h, w) shown side by side, COLUMNS sets a line."""
    width = max((len(row) for row in rows), default=1)
    lines = max(1, -(-len(rows) // columns))
    cell = (width * tile_px + GAP_PX, tile_px + GAP_PX)
    sheet = Image.new("RGB", (columns * cell[0] - GAP_PX, lines * cell[1] - GAP_PX), "white")
    for number, row in enumerate(rows):
        line, column = divmod(number, columns)
        for position, pixels in enumerate(row):
            sheet.paste(_tile(pixels, tile_px), (column * cell[0] + position * tile_px, line * cell[1]))
    return sheet


def _tile(pixels: NDArray[np.uint8], tile_px: int) -> Image.Image:
    image = Image.fromarray(pixels).convert("RGB")
    image.thumbnail((tile_px, tile_px), Image.Resampling.BOX)
    tile = Image.new("RGB", (tile_px, tile_px), "grey")
    tile.paste(image, ((tile_px - image.width) // 2, (tile_px - image.height) // 2))
    return tile


def write_sheets(dataset: Path, out: Path, rows: pd.DataFrame, generated: pd.DataFrame, pairs: pd.DataFrame) -> None:
    """Write OUT/sheets: real, fake and mask side by side, of the first SHEET_SETS rows of each forger.

    `<generator>.png` holds GENERATED rows, `<generator>-pairs.png` those dataset fakes whose mask is the difference of
    a pair in PAIRS; all masks lie below OUT.

    Raises:
        DataError: a crop can't be read.
    """
    folder = out / "sheets"
    folder.mkdir(parents=True, exist_ok=True)
    keys = dict(zip(rows["image_id"], rows["key"], strict=True))
    names = dict(zip(rows["image_id"], rows["generator"], strict=True))
    masked = pairs[pairs["mask_key"] != ""]
    masked = masked.assign(key=masked["image_id"].map(keys), generator=masked["image_id"].map(names) + "-pairs")
    reals, made = ShardReader(dataset), ShardReader(out)
    wanted = set()
    for frame, fakes in ((generated, made), (masked, reals)):
        for name, chosen in frame.groupby("generator"):
            sets = [
                (read_pixels(reals, keys[origin]), read_pixels(fakes, key), read_mask(made, mask_key))
                for origin, key, mask_key in _first(chosen)
            ]
            file = f"{_plain(str(name))}.png"
            wanted.add(file)
            with replacing(folder / file) as temporary:
                contact_sheet(sets, columns=3, tile_px=128).save(temporary, "PNG")
    for path in folder.glob("*.png"):
        if path.name not in wanted:
            path.unlink()


def _plain(name: str) -> str:
    """A generator's name, which a list from outside may have given, as the name of a file."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)[:100].lstrip(".")


def _first(chosen: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    first = chosen.sort_values("image_id").head(SHEET_SETS)
    return zip(first["forged_from"], first["key"], first["mask_key"], strict=True)


def read_pixels(reader: ShardReader, key: str) -> NDArray[np.uint8]:
    """A crop (h, w, 3) by its key."""
    return np.asarray(decode_image(reader.read(key)))


def read_mask(reader: ShardReader, key: str) -> NDArray[np.uint8]:
    """A mask (h, w) by its key, 255 where altered."""
    return np.asarray(decode_mask(reader.read(key)))
