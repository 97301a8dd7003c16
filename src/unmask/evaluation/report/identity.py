"""Section: hashes of the data, the settings, the code and the models, and what each source holds."""

from unmask.evaluation.report.evidence import Evidence

TEMPLATE = "identity.html.jinja"


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    run = evidence.run
    facts = {
        "Data (MD5 in data.dvc)": run.data_md5,
        "Settings (SHA-256, first 12)": run.params_sha,
        "Code (git revision)": run.revision,
        **{f"Weights, {name} (SHA-256)": digest for name, digest in run.models.items()},
        "Method": run.method,
        "Seed": str(run.seed),
        "Intervals": f"{100 * run.confidence:g} %, {run.bootstrap:,} resamples of groups",
    }
    return {"facts": facts, "sources": run.sources}
