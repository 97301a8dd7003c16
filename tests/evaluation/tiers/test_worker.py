import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.tiers.conftest import SPEC, Collect, Collection
from tests.spots import scene
from unmask.data.code import modules_of
from unmask.data.decode import decode_image
from unmask.data.preprocess import crop
from unmask.data.shards import ShardReader
from unmask.evaluation.tiers.originals import jobs_of
from unmask.evaluation.tiers.table import SWEEPS, TIERS, Degradation
from unmask.evaluation.tiers.worker import Degrader, Made

Make = Callable[..., Degrader]
NOISE = Degradation("noise 0.1", ((SWEEPS["noise"].step, 0.1),), sweep="noise", x=0.1)
HALF = Degradation("scale 0.5", ((SWEEPS["scale"].step, 0.5),), sweep="scale", x=0.5)


def run(collection: Collection, degrader: Degrader) -> list[Made]:
    jobs, _ = jobs_of(collection.manifest, collection.data)
    return [made for job in jobs for made in degrader(job)]


def stored(collection: Collection, image_id: str) -> np.ndarray:
    key = collection.manifest.set_index("image_id").loc[image_id, "key"]
    return crop(decode_image(ShardReader(collection.dataset).read(key)), SPEC)


def test_clean_is_the_stored_crop_bit_for_bit_of_faces_wholes_and_frames(street: Collection, degrader: Make) -> None:
    made = run(street, degrader(street.settings))
    assert len(made) == len(street.manifest) == 6
    assert street.manifest["crop_box"].isna().sum() == 1
    for each in made:
        assert not each.reason
        assert np.array_equal(each.pixels[0], stored(street, each.image_id))


def test_clean_is_the_stored_crop_where_assemble_shrank_it(tmp_path: Path, collect: Collect, degrader: Make) -> None:
    folder = tmp_path / "pictures/news/real/camera"
    folder.mkdir(parents=True)
    scene([], seed=5, size=(400, 300)).save(folder / "large.webp")
    shrunk = collect(tmp_path, max_side_px=100)
    assert shrunk.manifest["width"].tolist() == [100]
    (made,) = run(shrunk, degrader(shrunk.settings))
    assert np.array_equal(made.pixels[0], stored(shrunk, made.image_id))


def test_degraded_crops_differ_from_clean_and_are_the_same_in_every_process(street: Collection, degrader: Make) -> None:
    worker = degrader(street.settings, TIERS["web"], NOISE)
    elsewhere = pickle.loads(pickle.dumps(worker))  # noqa: S301
    first, second = run(street, worker), run(street, elsewhere)
    assert all(np.array_equal(a.pixels[0], b.pixels[0]) for a, b in zip(first, second, strict=True))
    for clean, web, noise in zip(*(first[start::3] for start in range(3)), strict=True):
        assert not np.array_equal(clean.pixels[0], web.pixels[0])
        assert not np.array_equal(clean.pixels[0], noise.pixels[0])


def test_noise_is_drawn_anew_for_each_picture_and_seed(street: Collection, degrader: Make) -> None:
    def noise(seed: int) -> list[np.ndarray]:
        made = run(street, degrader(street.settings, NOISE, seed=seed))
        pairs = zip(made[::2], made[1::2], strict=True)
        return [noisy.pixels[0].astype(int) - clean.pixels[0] for clean, noisy in pairs]

    first, other = noise(1), noise(2)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])


def test_a_crop_that_the_service_would_refuse_has_its_reason(street: Collection, degrader: Make) -> None:
    made = run(street, degrader(street.settings, HALF, min_side_px=60))
    reasons = {each.reason for each in made if each.name == "scale 0.5"}
    assert reasons == {"", "shorter side under 60 px then"}


def test_a_picture_that_reads_otherwise_now_is_missing_and_nothing_of_it_is_scored(
    street: Collection, degrader: Make
) -> None:
    changed = replace(street, manifest=street.manifest.assign(crop_box=None))
    reasons = [each.reason for each in run(changed, degrader(street.settings, HALF))]
    assert reasons.count("its original gives another crop than the stored one") == 5


def test_a_frame_that_the_clip_no_longer_gives_is_missing(street: Collection, degrader: Make) -> None:
    changed = replace(street, manifest=street.manifest.assign(frame=99))
    made = run(changed, degrader(street.settings, HALF))
    assert {each.reason for each in made} == {"its clip gives no frame 99 any more"}


def test_a_damaged_original_is_missing_and_the_others_go_on(street: Collection, degrader: Make, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(street.data, data)
    shard = next(data.glob("*/shard-*.zip"))
    content = shard.read_bytes()
    place = content.index(b"\x89PNG") + 200
    shard.write_bytes(content[:place] + bytes(64) + content[place + 64 :])
    made = run(replace(street, data=data), degrader(street.settings, HALF))
    lost = [each for each in made if each.reason]
    assert [each.name for each in lost] == ["clean"]
    assert "damaged" in lost[0].reason
    assert len(made) == 1 + 2 * 5


def test_workers_need_no_torch() -> None:
    used = modules_of(Degrader.__module__)
    assert len(used) > 10
    assert not [file for file in used if "import torch" in file.read_text()]


@pytest.mark.parametrize("shrink", [True, False])
def test_each_cut_is_made(street: Collection, degrader: Make, shrink: bool) -> None:
    both = replace(degrader(street.settings), specs=(SPEC, replace(SPEC, size_px=8, shrink=shrink)))
    assert [pixels.shape for pixels in run(street, both)[0].pixels] == [(100, 100, 3), (8, 8, 3)]
