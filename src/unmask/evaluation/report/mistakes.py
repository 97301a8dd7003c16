"""Section: the worst mistakes, looked at."""

from unmask.evaluation.report.evidence import Evidence

TEMPLATE = "mistakes.html.jinja"
TITLES = (("real", "Real pictures that were not called real"), ("fake", "Fakes that were not called fake"))


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    return {"parts": [(label, title, evidence.mistakes[label]) for label, title in TITLES]}
