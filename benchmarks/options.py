"""What the benchmarks' command lines have in common."""

from collections.abc import Collection, Iterable

import typer


def check_known(option: str, given: Iterable[str] | None, known: Collection[str]) -> None:
    """See that an option's values are all known.

    Raises:
        BadParameter: one is not; the message names it, and those that are.
    """
    unknown = set(given or ()) - set(known)
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}", param_hint=option)
