"""The settings of `evaluate` are checked before minutes of scoring, not after."""

from unmask.config import Evaluate
from unmask.errors import ConfigError
from unmask.evaluation.tiers.table import degradations

RATES = ("fake_fpr", "real_miss", "confidence")
MIN_RESAMPLES = 10


def check_settings(settings: Evaluate) -> None:
    """See that rates are shares, that intervals have resamples, and that tiers are known ones.

    Raises:
        ConfigError: one is not.
    """
    for name in RATES:
        value = getattr(settings, name)
        if not 0 < value < 1:
            raise ConfigError(f"evaluate.{name}: must lie between 0 and 1, got {value:g} (5 % is 0.05)")
    if settings.bootstrap < MIN_RESAMPLES:
        raise ConfigError(f"evaluate.bootstrap: must be at least {MIN_RESAMPLES}, got {settings.bootstrap}")
    degradations(settings.tiers)
