import numpy as np

from tests.faces import face_points
from unmask.data.forging.mix import Mix
from unmask.data.forging.plan import Face, plan
from unmask.data.forging.recipes import Recipe, unusable

POINTS = face_points(64)
TODAY = Mix({"donor": 0.6, "self": 0.4}, {"self": 1.0}, poisson_share=0.0, colour_space="rgb")
EVERY_WAY = Mix({"donor": 0.4, "self": 0.3, "warp": 0.3}, {"donor": 0.5, "warp": 0.5}, 0.3, "ycbcr")


def faces(count: int) -> list[Face]:
    return [Face(f"{n:04d}", f"k{n}", f"s{n % 2}", f"g{n // 4}", POINTS) for n in range(count)]


def orders(count: int, seed: int = 1, mix: Mix = TODAY) -> list:
    jobs = plan(faces(count), mix, seed=seed, self_blends=1, region_edits=4)
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


def test_skin_has_its_own_shares():
    edits = [order for _, order in orders(60) if order.recipe.kind == "region"]
    assert {order.method for order in edits if order.recipe.generator == "region-skin"} == {"self"}
    assert {order.method for order in edits} == {"donor", "self"}


def test_every_method_and_both_seams_come_in_their_shares():
    edits = [order for _, order in orders(200, mix=EVERY_WAY) if order.recipe.generator != "selfblend"]
    features = [order for order in edits if order.recipe.generator != "region-skin"]
    assert {order.method for order in edits if order not in features} == {"donor", "warp"}
    assert abs(sum(order.method == "warp" for order in features) / len(features) - 0.3) < 0.06
    assert abs(sum(order.poisson for order in edits) / len(edits) - 0.3) < 0.06


def test_another_share_of_poisson_blending_leaves_donors_and_methods_alone():
    more = Mix(TODAY.methods, TODAY.skin_methods, poisson_share=1.0, colour_space="rgb")
    before, after = orders(20), orders(20, mix=more)
    assert [(order.method, order.donor) for _, order in before] == [(order.method, order.donor) for _, order in after]
    assert not any(order.poisson for _, order in before)
    assert all(order.poisson == (order.recipe.kind == "region") for _, order in after)


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
