"""The reported mistakes in the promotion rule: what was mended stays mended.

They are a list of single pictures and no sample, so the counts have no interval: each of them is a user's word.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from unmask.config import Promote
from unmask.evaluation.comparison.rule import Check, unmeasured

Rows = Sequence[Mapping[str, Any]]

OFTEN, STILL = "reported mistakes right, share", "reported mistakes still right, share"


def reported_checks(champion: Rows | None, challenger: Rows | None, settings: Promote) -> list[Check]:
    """No fewer right than the champion, and nearly all of those right on which the champion is.

    Two checks, because many that are mended must not hide that others came back. Rows are those of regression.json;
    what only one side was scored on counts for neither.
    """
    bounds = {OFTEN: 0.0, STILL: settings.min_kept}
    if champion is None or challenger is None:
        reason = f"the {'champion' if champion is None else 'challenger'} was not scored; run `dvc repro evaluate`"
        return [unmeasured(name, ">=", bound, reason) for name, bound in bounds.items()]
    if not champion and not challenger:
        told = "none was reported (regression.csv)"
        return [Check(name, None, None, ">=", bound, passed=True, reason=told) for name, bound in bounds.items()]
    pairs = _paired(champion, challenger)
    if not pairs:
        reason = "the two were scored on different lists; evaluate both with the same regression.csv"
        return [unmeasured(name, ">=", bound, reason) for name, bound in bounds.items()]
    return [_as_often(pairs), _still(pairs, settings.min_kept)]


def unshared(champion: Rows | None, challenger: Rows | None) -> int:
    """How many reported mistakes only one side was scored on."""
    return len(_keys(champion or ()) ^ _keys(challenger or ()))


def _keys(rows: Rows) -> set[tuple[str, str]]:
    return {(row["sha256"], row["label"]) for row in rows}


def _paired(champion: Rows, challenger: Rows) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    before = {(row["sha256"], row["label"]): row for row in champion}
    return [(before[key], row) for row in challenger if (key := (row["sha256"], row["label"])) in before]


def _as_often(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Check:
    ours, theirs = (sum(bool(pair[side]["passed"]) for pair in pairs) for side in (0, 1))
    learnt = sum("train" in after["splits"] for _, after in pairs)
    told = f"{ours} to {theirs} of {len(pairs)}, {learnt} of them training pictures"
    share = (theirs - ours) / len(pairs)
    return Check(OFTEN, share, None, ">=", 0.0, passed=theirs >= ours, reason=told)


def _still(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], bound: float) -> Check:
    had = [after for before, after in pairs if before["passed"]]
    if not had:
        return Check(STILL, None, None, ">=", bound, passed=True, reason="the champion is right on none of them")
    lost = [row for row in had if not row["passed"]]
    share = 1 - len(lost) / len(had)
    told = f"{len(had) - len(lost)} of the {len(had)} that the champion is right on"
    first = f"; not {lost[0]['sha256'][:12]}: {lost[0]['reason']}" if lost else ""
    return Check(STILL, share, None, ">=", bound, passed=share >= bound, reason=told + first)
