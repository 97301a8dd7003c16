from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Config, Evaluate, Promote
from unmask.files import write_json

PROMOTE = Promote(
    margin=0.02,
    slice_margin=0.05,
    min_rows=100,
    min_shared=0.9,
    max_fpr=0.05,
    max_latency_ms=100.0,
    min_kept=0.9,
)


@pytest.fixture(scope="session")
def promote() -> Promote:
    return PROMOTE


@pytest.fixture
def config(settings: Evaluate) -> Config:
    return Config(seed=7, evaluate=settings, promote=PROMOTE)


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """The champion's predictions."""
    return make_predictions(1, groups=480)


@pytest.fixture(scope="session")
def better(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows, told apart more clearly."""
    return frame.assign(logit=frame["logit"] + np.where(frame["label"] == "fake", 1.5, -0.5))


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, settings: Evaluate) -> Write:
    """Write an evaluation folder of one candidate as the evaluate stage does."""

    def folder(
        name: str, frame: pd.DataFrame, *, candidate: str = "student", regression: list[dict] | None = None
    ) -> Path:
        judged = judge(candidate, frame, settings)
        out = tmp_path / name / "evaluation"
        out.mkdir(parents=True)
        judged.predictions.to_parquet(out / "predictions.parquet", index=False)
        write_json(out / "calibration.json", {candidate: judged.calibration.to_dict()})
        write_json(out / "slices.json", {candidate: list(judged.measured)})
        write_json(out / "regression.json", {candidate: regression or []})
        return out

    return folder
