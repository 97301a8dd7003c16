from functools import partial

import pandas as pd
import pytest

from benchmarks.drill import drawn
from benchmarks.drill.drawn import draw_material, fakes_for_each_real, usual_mix
from tests.benchmarks.drill.made import picture
from unmask.commands.data import SAMPLE_SEED
from unmask.data.sample.forgers import UNSEEN
from unmask.data.sample.plan import SampleCounts
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


def test_the_samples_own_seed_is_refused(tmp_path):
    with pytest.raises(DataError, match="--seed 7: is the sample's own"):
        draw_material(tmp_path, seed=SAMPLE_SEED, workers=1)


@pytest.fixture(scope="module")
def few():
    """Tiny counts in place of the drill's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, count in {"REALS": 12, "OLD_SEEN": 3, "OLD_UNSEEN": 1, "NEW": 8}.items():
            patch.setattr(drawn, name, count)
        patch.setattr(drawn, "SampleCounts", partial(SampleCounts, album=3))
        patch.setattr(drawn, "fakes_for_each_real", lambda _: 1.0)
        yield


def test_nobody_in_the_traffic_is_held_out_or_in_the_sample(few, tmp_path):
    material = drawn.draw_material(tmp_path, seed=drawn.SEED, workers=1)
    sent, kept = ({one.group for one in pictures} for pictures in ([*material.usual, *material.new], material.held_out))
    assert sent
    assert kept
    assert not sent & kept
    assert {one.generator for one in material.held_out} >= {"camera", material.newcomer, *UNSEEN}
    assert not {one.generator for one in material.usual} & {material.newcomer, *UNSEEN}
    # People have the same numbers with any seed, and other faces.
    sample = drawn._batch(tmp_path, 1, seed=SAMPLE_SEED, workers=1)
    drill = [*material.usual, *material.new, *material.held_out]
    assert not {one.data for one in sample} & {one.data for one in drill}
