"""Settings of the monitor that would decide nothing, or never raise an alarm, are refused."""

from unmask.config import Drift
from unmask.errors import ConfigError
from unmask.monitoring.compare import MIN_GROUPS


def check_settings(settings: Drift) -> None:
    """See that the drift section of params.yaml can work.

    Raises:
        ConfigError: a value is out of range; the message names it.
    """
    if not 0 < settings.level < 1:
        raise ConfigError(f"params.yaml: drift.level: {settings.level} is not between 0 and 1")
    needed = round(1 / settings.level)
    if settings.permutations < needed:
        raise ConfigError(
            f"params.yaml: drift.permutations: {settings.permutations} can't give a p-value of drift.level; "
            f"{needed} is the least, ten times as many are better"
        )
    if not 0 <= settings.min_moved < 1:
        raise ConfigError(f"params.yaml: drift.min_moved: {settings.min_moved} is not a share of pictures")
    if not MIN_GROUPS <= settings.min_rows <= settings.max_rows:
        raise ConfigError(
            f"params.yaml: drift.min_rows: {settings.min_rows} is not from {MIN_GROUPS} to drift.max_rows "
            f"({settings.max_rows})"
        )
    if settings.keep_reports < 1:
        raise ConfigError(f"params.yaml: drift.keep_reports: {settings.keep_reports} would keep none")
