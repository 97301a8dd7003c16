"""Days as this program counts them: by UTC, on whatever machine and in whatever season."""

from datetime import UTC, date, datetime


def today() -> date:
    """The day (UTC)."""
    return datetime.now(UTC).date()
