from pathlib import Path

from tests.faces import plans, write_faces
from unmask.data.forging.cache import Cache, name_of, shard_of
from unmask.data.forging.pairs import PairComparer
from unmask.data.forging.worker import Forger
from unmask.data.manifest import read_manifest

PATTERNS = (("rows-", ".parquet"), ("crops-", ".zip"))


def test_a_name_is_complete_with_all_its_files(tmp_path: Path):
    cache = Cache(tmp_path, PATTERNS)
    (tmp_path / "rows-a.parquet").touch()
    assert not cache.complete("a")
    (tmp_path / "crops-a.zip").touch()
    assert cache.complete("a")


def test_files_of_other_names_go_and_other_files_stay(tmp_path: Path):
    kept = {"rows-a.parquet", "crops-a.zip", "labels.parquet", "masks-b.zip"}
    for name in (*kept, "rows-b.parquet", "crops-b.zip"):
        (tmp_path / name).touch()
    Cache(tmp_path, PATTERNS).keep(["a"])
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_name_stands_for_code_settings_rows_and_landmarks(tmp_path: Path):
    write_faces(tmp_path, plans(2, 1, "train"))
    rows = read_manifest(tmp_path / "manifest.parquet")
    moved, lost, regrouped = rows.copy(), rows.copy(), rows.assign(group="other")
    moved["landmarks"] = [points + 1 for points in rows["landmarks"]]
    lost["landmarks"] = [None] * len(rows)
    names = [name_of(Forger, (1, 0.3), table) for table in (rows, moved, lost, regrouped)]
    others = name_of(Forger, (2, 0.3), rows), name_of(Forger, (1, 0.3), rows, rows)
    assert len({*names, *others, name_of(PairComparer, (1, 0.3), rows)}) == 7
    assert name_of(Forger, (1, 0.3), rows.copy()) == names[0]


def test_a_key_names_its_shard():
    assert shard_of("crops-a.zip/b.png") == "crops-a.zip"
