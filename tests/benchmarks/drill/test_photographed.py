import shutil

import pytest

from benchmarks.drill.photographed import list_files, photographed_material, take_in
from tests.standin import noise
from unmask.data.batches import list_batches, read_index
from unmask.errors import DataError


@pytest.fixture
def faces(tmp_path):
    """Pairs, photographs alone, and two generators without photographs, as the shared pictures lie."""
    root, number = tmp_path / "faces", 0
    kinds = ("clips/real/camera", "clips/fake/swap", "desk/real/camera", "made/fake/sdxl", "made/fake/stylegan2")
    for kind in kinds:
        (root / kind).mkdir(parents=True)
        for place in range(30):
            (root / kind / f"{kind[:3]}{kind[6]}{place}.png").write_bytes(noise(number := number + 1))
    names = {kind: sorted(path.name for path in (root / kind).iterdir()) for kind in kinds[:2]}
    pairs = "".join(f"{real},{fake}\n" for real, fake in zip(*names.values(), strict=True))
    (root / "clips/pairs.csv").write_text(f"real,fake\n{pairs}")
    return root


def test_nothing_of_the_newcomer_trains_and_pairs_stay_together(faces):
    training, material = photographed_material(list_files(faces, most=1000, seed=1), seed=1)
    assert {file.generator for file in training} == {"camera", "swap", "sdxl"}
    assert material.newcomer == "stylegan2"
    sides = [{file.group for file in training}]
    sides += [{one.group for one in pictures} for pictures in (material.usual, material.held_out)]
    assert all(not first & second for at, first in enumerate(sides) for second in sides[at + 1 :])
    swaps = {file.group for file in training if file.generator == "swap"}
    assert swaps == {file.group for file in training if file.source == "clips" and file.label == "real"}


def test_a_newcomer_of_two_sources_is_one(faces):
    shutil.copytree(faces / "made/fake/stylegan2", faces / "desk/fake/stylegan2")
    _, material = photographed_material(list_files(faces, most=1000, seed=1), seed=1)
    assert {one.generator for one in material.new} == {"stylegan2"}
    assert {one.name.split("/")[0] for one in material.new} == {"made", "desk"}
    assert {one.generator for one in material.held_out if one.label == "fake"} == {
        "clips/swap",
        "made/sdxl",
        "stylegan2",
    }


@pytest.mark.parametrize("lacking", ["stylegan2", "camera"])
def test_too_few_pictures_are_an_error_that_says_of_what(faces, lacking):
    files = list_files(faces, most=1000, seed=1)
    few = [file for file in files if file.generator != lacking] + [file for file in files if file.generator == lacking][
        :1
    ]
    with pytest.raises(DataError, match=r"no (stylegan2|photographs) .*raise --most"):
        photographed_material(few, seed=1)


def test_about_so_many_of_each_generator_are_taken(faces):
    some = list_files(faces, most=15, seed=1)
    assert all(5 < sum(file.generator == name for file in some) < 26 for name in ("swap", "sdxl", "stylegan2"))


def test_the_data_is_made_of_the_training_files_alone(faces, tmp_path):
    files = list_files(faces, most=1000, seed=1)
    training, _ = photographed_material(files, seed=1)
    (tmp_path / "data/old").mkdir(parents=True)
    take_in(training, faces, tmp_path / "data", tmp_path)
    rows = [read_index(batch, ["source", "generator"]) for batch in list_batches(tmp_path / "data")]
    assert sum(map(len, rows)) == len(training)
    assert not (tmp_path / "data/old").exists()


def test_without_the_newcomer_there_is_no_drill(faces):
    for path in (faces / "made/fake/stylegan2").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="holds no <source>/fake/stylegan2"):
        list_files(faces, most=10, seed=1)
