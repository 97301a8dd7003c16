"""What the challenger is asked to be better on, and that too little evidence is told as such."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.datasets import noise, row, write_dataset
from unmask.retraining.decide import _reported


def asked(tmp_path: Path, *, tested: int, source: str = "feedback") -> tuple[str, str]:
    """The trigger and the remark where so many of forty reported fakes are test rows."""
    rows = [row(n, label="fake", split="train", labelled=True) | {"source": source} for n in range(2)]
    dataset, _ = write_dataset(tmp_path, rows, noise)
    fakes = [{"source": source, "label": "fake", "generator": "unknown"}] * tested
    reals = [{"source": source, "label": "real", "generator": "camera"}] * 20
    return _reported(SimpleNamespace(test=pd.DataFrame(fakes + reals)), dataset)  # type: ignore[arg-type]


def test_ten_reported_fakes_are_what_it_must_be_better_on(tmp_path: Path) -> None:
    assert asked(tmp_path, tested=10) == ("generator:feedback / unknown", "")


@pytest.mark.parametrize("tested", [0, 9])
def test_fewer_are_unsure_and_said_so(tmp_path: Path, tested: int) -> None:
    trigger, remark = asked(tmp_path, tested=tested)
    assert trigger == ""
    assert remark.startswith(f"Only {tested} of the fakes that users reported are test rows")
    assert "unsure" in remark


def test_nothing_is_said_where_nobody_reported_anything(tmp_path: Path) -> None:
    assert asked(tmp_path, tested=0, source="sample") == ("", "")
