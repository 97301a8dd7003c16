import numpy as np
import pandas as pd
import pytest

from tests.faces import expand_settings, plans, write_faces
from unmask.data.expand import expand
from unmask.data.forging.pairs import PAIRS_SCHEMA
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers
from unmask.data.sheets import GAP_PX, contact_sheet, write_sheets
from unmask.data.tables import empty_frame
from unmask.labels.graph import FFPP


def tile(level: int, side: int = 8) -> np.ndarray:
    return np.full((side, side, 3), level, dtype=np.uint8)


def test_sets_lie_side_by_side_in_lines():
    sheet = np.asarray(contact_sheet([(tile(10), tile(20))] * 3, columns=2, tile_px=8))
    assert sheet.shape == (2 * 8 + GAP_PX, 2 * 16 + GAP_PX, 3)
    assert (sheet[0, 0, 0], sheet[0, 8, 0], sheet[0, 16, 0], sheet[0, 16 + GAP_PX, 0]) == (10, 20, 255, 10)


def test_a_mask_is_shown_in_black_and_white():
    mask = np.zeros((8, 8), dtype=np.uint8)
    mask[:4] = 255
    sheet = np.asarray(contact_sheet([(tile(10), mask)], columns=1, tile_px=8))
    assert (sheet[0, 8] == 255).all()
    assert (sheet[7, 8] == 0).all()


def test_no_set_is_no_error():
    assert contact_sheet([], columns=3, tile_px=8).size[1] == 8


@pytest.mark.parametrize("generator", ["../../escaped", "a/b", "..", "x" * 300])
def test_a_generators_name_never_leaves_the_folder(tmp_path, generator):
    dataset, out = tmp_path / "dataset", tmp_path / "out"
    write_faces(dataset, plans(1, 1, "train"))
    settings = expand_settings(self_blended_per_real=1, region_edits_per_real=0)
    expand(dataset, out, settings=settings, graph=FFPP, seed=1, workers=Workers())
    generated = read_manifest(out / "manifest.parquet").assign(generator=generator)
    before = set(tmp_path.rglob("*"))
    rows = read_manifest(dataset / "manifest.parquet")
    write_sheets(dataset, out, rows, generated, empty_frame(PAIRS_SCHEMA))
    new = set(tmp_path.rglob("*")) - before
    assert {path.parent for path in new} == {out / "sheets"}


def test_pairs_of_two_generators_get_a_sheet_each(tmp_path):
    write_faces(tmp_path, plans(2, 0, "train") + plans(0, 2, "train"))
    rows = read_manifest(tmp_path / "manifest.parquet")
    rows["generator"] = ["camera", "camera", "swap", "smile"]
    pairs = pd.DataFrame(
        {"image_id": rows["image_id"][2:], "forged_from": rows["image_id"][:2].to_numpy(), "mask_key": rows["key"][2:]}
    )
    write_sheets(tmp_path, tmp_path, rows, rows[:0], pairs)
    assert {path.name for path in (tmp_path / "sheets").iterdir()} == {"swap-pairs.png", "smile-pairs.png"}
