import numpy as np

from tests.faces import face_points
from unmask.data.forging.plan import Face, plan
from unmask.data.forging.recipes import Recipe, unusable

POINTS = face_points(64)


def faces(count: int) -> list[Face]:
    return [Face(f"{n:04d}", f"k{n}", f"s{n % 2}", f"g{n // 4}", POINTS) for n in range(count)]


def orders(count: int, seed: int = 1) -> list:
    jobs = plan(faces(count), seed=seed, self_blends=1, region_edits=4)
    return [(job.face, order) for job in jobs for order in job.orders]


def test_each_real_gets_what_was_ordered():
    kinds = [order.recipe.kind for _, order in orders(3)]
    assert kinds.count("selfblend") == 3
    assert kinds.count("region") == 12


def test_a_donor_is_another_person_of_the_same_source():
    donated = [(face, order.donor) for face, order in orders(20) if order.donor]
    assert len(donated) > 20
    assert all(face.group != donor.group and face.source == donor.source for face, donor in donated)


def test_a_lonely_face_is_its_own_donor():
    assert all(order.donor is None for _, order in orders(1))


def test_a_recipe_depends_on_seed_crop_and_number_alone():
    same = [Recipe(1, "aa", "region", 0).draws().random() for _ in range(2)]
    others = {
        Recipe(seed, name, "region", k).draws().random() for seed, name, k in ((2, "aa", 0), (1, "ab", 0), (1, "aa", 1))
    }
    assert same[0] == same[1]
    assert len(others) == 3
    assert same[0] not in others


def test_every_region_is_drawn():
    names = {Recipe(1, f"{n}", "region", 0).generator for n in range(200)}
    assert names == {f"region-{region}" for region in ("eyes", "mouth", "nose", "eyebrows", "skin")}


def test_a_face_of_a_few_pixels_is_not_forged():
    assert unusable(POINTS / 10, "selfblend", (64, 64)) == "the face is too small"


def test_a_region_outside_the_crop_is_not_forged():
    assert unusable(POINTS + np.array([0, 30]), "region-mouth", (64, 64)) == "the region lies outside the crop"
    assert unusable(POINTS, "region-mouth", (64, 64)) is None
