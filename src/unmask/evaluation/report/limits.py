"""Section: what the numbers do not tell."""

from unmask.evaluation.report.evidence import Evidence

TEMPLATE = "limits.html.jinja"


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    return {"unknown": evidence.run.unknown}
