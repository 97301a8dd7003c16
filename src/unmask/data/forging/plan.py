"""Who is forged, how often and with whose help; decided before any picture is read."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unmask.data.forging.mix import Mix
from unmask.data.forging.recipes import REGION, SELF_BLEND, Recipe, pose_distance
from unmask.data.forging.regions import Points

CANDIDATE_DONORS = 8


@dataclass(frozen=True)
class Face:
    """A real crop that may be forged or lend a region; points (68, 2) in its pixels."""

    image_id: str
    key: str
    source: str
    group: str
    points: Points


@dataclass(frozen=True)
class Order:
    """One forgery to make, of a face; METHOD and POISSON say how a region is edited, DONOR is set where one lends."""

    recipe: Recipe
    method: str = "self"
    donor: Face | None = None
    poisson: bool = False


@dataclass(frozen=True)
class Job:
    """All orders of one face."""

    face: Face
    orders: tuple[Order, ...]


def plan(faces: Sequence[Face], mix: Mix, *, seed: int, self_blends: int, region_edits: int) -> Iterator[Job]:
    """One job a face: SELF_BLENDS self-blended faces and REGION_EDITS region edits, made as MIX shares them out.

    A donor is another person of the same source, so that a region edit does not mix codecs by accident; where there
    is none, the face lends to itself.
    """
    by_source = defaultdict[str, list[Face]](list)
    for face in faces:
        by_source[face.source].append(face)
    for face in faces:
        blends = [Order(Recipe(seed, face.image_id, SELF_BLEND, k)) for k in range(self_blends)]
        edits = [Recipe(seed, face.image_id, REGION, k) for k in range(region_edits)]
        pool = by_source[face.source]
        yield Job(face, (*blends, *(_edit_order(face, recipe, pool, mix) for recipe in edits)))


def _edit_order(face: Face, recipe: Recipe, pool: Sequence[Face], mix: Mix) -> Order:
    method = recipe.method(mix)
    donor = _donor(face, recipe, pool) if method == "donor" else None
    return Order(recipe, "self" if method == "donor" and donor is None else method, donor, recipe.poisson(mix))


def _donor(face: Face, recipe: Recipe, pool: Sequence[Face]) -> Face | None:
    """The candidate whose pose is nearest, out of a few drawn."""
    drawn = (pool[index] for index in recipe.donor_draws(len(pool), CANDIDATE_DONORS))
    others = [other for other in drawn if other.group != face.group]
    return min(others, key=lambda other: pose_distance(face.points, other.points), default=None)
