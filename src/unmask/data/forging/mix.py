"""How region edits are made, and how often each way: the shares that `expand` in params.yaml sets."""

from collections.abc import Mapping
from dataclasses import dataclass

from unmask.config import Expand
from unmask.errors import ConfigError

METHODS = ("donor", "self", "warp")
COLOUR_SPACES = ("rgb", "ycbcr")
SKIN = "skin"


@dataclass(frozen=True)
class Mix:
    """Shares of METHODS for features and for skin, of Poisson blending, and the space that colours are matched in."""

    methods: Mapping[str, float]
    skin_methods: Mapping[str, float]
    poisson_share: float
    colour_space: str

    def method(self, region: str, draw: float) -> str:
        """The method of a region that a uniform DRAW in [0, 1) falls to."""
        shares = self.skin_methods if region == SKIN else self.methods
        reached = 0.0
        for name in METHODS:
            reached += shares.get(name, 0.0)
            if draw < reached:
                return name
        return next(name for name in reversed(METHODS) if shares.get(name, 0.0))


def mix_of(settings: Expand) -> Mix:
    """Check and take the shares from the settings.

    Raises:
        ConfigError: a method is unknown, shares don't add up to 1, or a value is out of its range; names the key.
    """
    for key, shares in (("region_methods", settings.region_methods), ("skin_methods", settings.skin_methods)):
        odd = sorted(set(shares) - set(METHODS))
        if odd:
            raise ConfigError(f"params.yaml: expand.{key}: {odd[0]!r} is none of {', '.join(METHODS)}")
        if min(shares.values(), default=-1.0) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
            raise ConfigError(f"params.yaml: expand.{key}: shares of {', '.join(METHODS)} must add up to 1")
    if not 0 <= settings.poisson_share <= 1:
        raise ConfigError(f"params.yaml: expand.poisson_share: {settings.poisson_share:g} is not a share in 0..1")
    if settings.colour_space not in COLOUR_SPACES:
        found, known = settings.colour_space, ", ".join(COLOUR_SPACES)
        raise ConfigError(f"params.yaml: expand.colour_space: {found!r} is none of {known}")
    methods, skin_methods = dict(settings.region_methods), dict(settings.skin_methods)
    return Mix(methods, skin_methods, settings.poisson_share, settings.colour_space)
