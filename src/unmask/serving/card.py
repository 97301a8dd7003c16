"""CARD.md: what a released model is for, what it learned from, what it scored, where it ends, and its licences."""

from collections.abc import Iterator, Mapping
from typing import Any

from unmask.serving.bundle import Bundle

CARD = """\
# unmask {candidate}, version {version}

{note}Says whether a picture of a face is a photograph or forged: a calibrated probability, a verdict (`real`, `fake` or
`uncertain`) and what seems altered. Meant as one hint among others for people who check pictures.

| | |
|---|---|
{facts}

## Verdicts

{verdicts}

## Metrics

{metrics}

## Limits

- It answers for one roughly centred face that fills the picture; for any other picture the answer means nothing.
- Forgeries of generators that its data does not hold are found less often, some hardly ever: see the figures for
  unseen generators, and retrain when new ones appear.
- Strong compression, small pictures and screenshots destroy the traces it looks for.
- Attributes are the model's own probabilities for what was altered; they are no measurement and no proof.
- It must not be the only ground for a decision about a person.

## Licences

- The program is Apache-2.0. The weights inherit what the training pictures and any pre-trained encoder demand: check
  both before handing the bundle on.
- The bundle holds no picture of a person: the pictures of its self-test are drawn by the program.
- BentoML (Apache-2.0), ONNX Runtime (MIT), NumPy (BSD-3-Clause) and Pillow (MIT-CMU) are depended on, not shipped.
"""


def render_card(bundle: Bundle, *, model_bytes: int) -> str:
    """The release card as Markdown."""
    return CARD.format(
        candidate=bundle.candidate,
        version=bundle.version,
        note=f"> **{bundle.data.note}**\n\n" if bundle.data.note else "",
        facts="\n".join(f"| {name} | {value} |" for name, value in _facts(bundle, model_bytes)),
        verdicts="\n".join(f"- {line}" for line in _verdicts(bundle)),
        metrics="\n".join(_metrics(bundle.metrics)),
    )


def _facts(bundle: Bundle, model_bytes: int) -> Iterator[tuple[str, str]]:
    prepared = bundle.preprocessing
    shrunk = f"shrunk to {prepared.window_px} px, of which " if prepared.shrink else ""
    yield "Data (data.dvc)", f"`{bundle.data.md5}`, sources: {', '.join(bundle.data.sources)}"
    yield "Code", f"`{bundle.revision}`"
    yield "Method", str(bundle.params.get("method", ""))
    yield "Input", f"RGB, shorter side at least {prepared.min_side_px} px; {shrunk}the central {prepared.size_px} px"
    yield "Labels", f"{bundle.graph.name}: {', '.join(bundle.graph.labels)}"
    yield "Size", f"{model_bytes / 1e6:.1f} MB (ONNX, {bundle.precision.served})"
    yield "Precision", bundle.precision.reason


def _verdicts(bundle: Bundle) -> Iterator[str]:
    calibration, meant = bundle.calibration, bundle.calibration.thresholds
    reals = f"{meant.n_real} validation reals promise at most {calibration.fake_promised:.1%}"
    fakes = f"{meant.n_fake} validation fakes of known generators promise at most {calibration.real_promised:.1%}"
    yield f"`fake` above {meant.fake:.3f}: meant for {meant.fake_fpr:.1%} of real pictures; {reals} (95 % confidence)"
    yield f"`real` below {meant.real:.3f}: meant to miss {meant.real_miss:.1%} of fakes; {fakes} (95 % confidence)"
    yield "`uncertain` between"
    yield from calibration.notes


def _metrics(metrics: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {_number(entry['value'])} | {_number(entry.get('low'))} to {_number(entry.get('high'))} "
        f"| {entry.get('n_real', '')} | {entry.get('n_fake', '')} |"
        for name, entry in _entries(metrics)
    ]
    if not rows:
        return ["None were measured."]
    head = "Test rows only; intervals hold with 95 % over resampled groups.\n"
    return [head, "| | value | interval | reals | fakes |", "|---|---|---|---|---|", *rows]


def _entries(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in metrics.items():
        if isinstance(entry, Mapping) and "value" in entry:
            yield f"{prefix}{name}", entry
        elif isinstance(entry, Mapping):
            yield from _entries(entry, f"{prefix}{name}, ")


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"
