import pandas as pd
import pytest

from benchmarks.drill.drawn import fakes_for_each_real, usual_mix
from tests.benchmarks.drill.made import picture
from unmask.data.tables import write_table
from unmask.errors import DataError


def test_the_usual_mix_has_as_many_fakes_as_asked_of_each_generator_alike():
    pictures = [picture(name, number) for name in ("camera", "swap", "newcomer") for number in range(40)]
    mix = [one.generator for one in usual_mix(pictures, 0.75)]
    assert (mix.count("camera"), mix.count("swap"), mix.count("newcomer")) == (40, 15, 15)


def predictions(*rows):
    table = pd.DataFrame(rows, columns=["image_id", "split", "label", "seen"])
    return pd.concat([table.assign(candidate=name) for name in ("student", "teacher")])


def test_the_mix_is_that_of_held_out_rows_of_known_generators(tmp_path):
    rows = [("a", "val", "real", True), ("b", "test", "real", True), ("c", "test", "fake", True)]
    rows += [("d", "test", "fake", False), ("e", "train", "fake", True)]
    write_table(tmp_path / "predictions.parquet", predictions(*rows))
    assert fakes_for_each_real(tmp_path / "predictions.parquet") == 0.5


def test_without_photographs_there_is_no_mix(tmp_path):
    write_table(tmp_path / "predictions.parquet", predictions(("c", "test", "fake", True)))
    with pytest.raises(DataError, match="no held-out photographs"):
        fakes_for_each_real(tmp_path / "predictions.parquet")
