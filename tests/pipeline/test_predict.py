"""The same picture has the same probability where it is evaluated and where a person asks."""

import pandas as pd
import pytest

from unmask.data.batches import list_batches, read_index
from unmask.data.manifest import read_manifest
from unmask.data.shards import ShardReader
from unmask.serving.bundle import load_bundle

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


def test_original_files_score_as_their_crops_did_in_evaluation(reproduced, tmp_path):
    build, folder = reproduced.root / "build", tmp_path / "originals"
    folder.mkdir()
    scored = pd.read_parquet(build / "evaluation/predictions.parquet")
    scored = scored[scored["candidate"] == "student"].set_index("image_id")
    wanted = read_manifest(build / "dataset/manifest.parquet").set_index("raw_sha256")["image_id"]
    expected = {}
    for batch in list_batches(reproduced.root / "data"):
        reader = ShardReader(reproduced.root / "data" / batch.name)
        for row in read_index(batch).itertuples():
            image_id = wanted.get(row.raw_sha256)
            if image_id in scored.index:
                path = folder / f"{image_id}.jpg"
                path.write_bytes(reader.read(row.key))
                expected[str(path)] = scored.loc[image_id]
    assert len(expected) == len(scored)
    reproduced.run("unmask", "predict", str(folder), "--csv", str(tmp_path / "answers.csv"))
    answers = pd.read_csv(tmp_path / "answers.csv").set_index("path")
    assert len(answers) == len(expected)
    thresholds = load_bundle(build / "package/bundle").calibration.thresholds
    for path, row in expected.items():
        assert abs(answers.loc[path, "p_fake"] - row["p_fake"]) < 1e-4
        # A threshold is the probability of a validation row, on which rounding decides.
        if min(abs(row["p_fake"] - thresholds.fake), abs(row["p_fake"] - thresholds.real)) > 1e-4:
            assert answers.loc[path, "verdict"] == row["verdict"]
