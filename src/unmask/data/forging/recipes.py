"""Which forgeries a real crop gets, and how one is made: the recipe is a function of seed, crop and number alone."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unmask.data.forging.blending import Forgery
from unmask.data.forging.mix import Mix
from unmask.data.forging.regionedit import REGIONS, Edit, edit_region
from unmask.data.forging.regions import Points, eye_distance, inside_share
from unmask.data.forging.selfblend import self_blend
from unmask.data.forging.warping import Pixels, similarity, transform

SELF_BLEND = "selfblend"
REGION = "region"
REGION_PREFIX = f"{REGION}-"
MIN_EYE_DISTANCE_PX = 14.0
MIN_INSIDE = 0.7


@dataclass(frozen=True)
class Recipe:
    """One forgery to make: the K-th of its kind for a real crop."""

    seed: int
    image_id: str
    kind: str
    k: int

    @cached_property
    def generator(self) -> str:
        """`selfblend`, or `region-` and the region drawn."""
        if self.kind == SELF_BLEND:
            return SELF_BLEND
        names, weights = list(REGIONS), list(REGIONS.values())
        return REGION_PREFIX + str(self._rng("region").choice(names, p=weights))

    def draws(self) -> np.random.Generator:
        """The stream of random numbers of the forgery itself."""
        return self._rng("forge")

    def method(self, mix: Mix) -> str:
        """Where the altered region comes from, one of METHODS."""
        return mix.method(self.generator.removeprefix(REGION_PREFIX), self._rng("donor").random())

    def poisson(self, mix: Mix) -> bool:
        """Whether the region is blended by its gradients, not by a feathered mask."""
        return self._rng("blending").random() < mix.poisson_share

    def donor_draws(self, count: int, most: int) -> list[int]:
        """Indices of MOST candidate donors among COUNT."""
        rng = self._rng("donor")
        rng.random()  # the method's draw
        return [int(index) for index in rng.integers(count, size=most)]

    def _rng(self, purpose: str) -> np.random.Generator:
        text = f"{self.seed}/{self.image_id}/{self.kind}/{self.k}/{purpose}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))


def unusable(points: Points, generator: str, shape: tuple[int, int]) -> str | None:
    """Why a crop (h, w) with landmarks (68, 2) can't take this forgery, or None."""
    if eye_distance(points) < MIN_EYE_DISTANCE_PX:
        return "the face is too small"
    region = generator.removeprefix(REGION_PREFIX) if generator != SELF_BLEND else "skin"
    if inside_share(points, region, shape) < MIN_INSIDE:
        return "the region lies outside the crop"
    return None


def pose_distance(points: Points, other: Points) -> float:
    """Mean distance of two faces' landmarks after the best similarity, in eye distances of the first."""
    moved = transform(other, similarity(other, points))
    return float(np.linalg.norm(moved - points, axis=1).mean() / max(eye_distance(points), 1e-6))


def forge(image: Pixels, points: Points, recipe: Recipe, edit: Edit) -> Forgery:
    """Make the forgery of a recipe from a real crop (h, w, 3); EDIT says how, where it is a region edit."""
    generator, rng = recipe.generator, recipe.draws()
    if generator == SELF_BLEND:
        return self_blend(image, points, rng)
    return edit_region(image, points, generator.removeprefix(REGION_PREFIX), rng, edit)
