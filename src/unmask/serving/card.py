"""CARD.md: what a released model is for, what it learned from, what it scored, where it ends, and its licences."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from unmask.evaluation.headline import TITLES
from unmask.serving.bundle import Bundle

CARD_TITLES = {
    **TITLES,
    "eer": "equal error rate, seen",
    "ece": "expected calibration error",
    "pointing_hit": "map: its highest place hits the forgery",
    "pointing_chance": "map: a random place would",
    "pointing_centre": "map: the centre would",
    "shortcut_auc": "AUC of file statistics alone, all fakes",
}

CARD = """\
# unmask {candidate}, version {version}

{note}## Intended use

Says whether a picture of a face is a photograph or forged: a calibrated probability, a verdict (`real`, `fake` or
`uncertain`) and what seems altered. Meant as one hint among others for people who check pictures: newsrooms, trust and
safety, media forensics. Not meant to decide about a person on its own, to watch people, or to answer for pictures other
than of one face.

| | |
|---|---|
{facts}

## Verdicts

{verdicts}

## Metrics

{metrics}

{details}## Limits

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


def render_card(bundle: Bundle, *, model_bytes: int, details: str = "") -> str:
    """The release card as Markdown; DETAILS are further sections, as `card_details` writes them."""
    return CARD.format(
        candidate=bundle.candidate,
        version=bundle.version,
        note=f"> **{bundle.data.note}**\n\n" if bundle.data.note else "",
        facts="\n".join(f"| {name} | {value} |" for name, value in _facts(bundle, model_bytes)),
        verdicts="\n".join(f"- {line}" for line in _verdicts(bundle)),
        metrics="\n".join(_metrics(bundle.metrics, confidence=bundle.params["evaluate"]["confidence"])),
        details=details,
    )


def _facts(bundle: Bundle, model_bytes: int) -> Iterator[tuple[str, str]]:
    prepared = bundle.preprocessing
    shrunk = f"shrunk to {prepared.window_px} px, of which " if prepared.shrink else ""
    yield "Data (data.dvc)", f"`{bundle.data.md5}`, sources: {', '.join(map(plain, bundle.data.sources))}"
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


def _metrics(metrics: Mapping[str, Any], *, confidence: float) -> list[str]:
    rows = [
        f"| {_title(name)} | {_number(entry['value'])} | {_ends(entry)} "
        f"| {entry.get('n_real', '')} | {entry.get('n_fake', '')} |"
        for name, entry in sorted(_entries(metrics), key=_order)
    ]
    if not rows:
        return ["None were measured."]
    head = f"Test rows only; intervals hold with {100 * confidence:g} % over resampled groups.\n"
    return [head, "| | value | interval | reals | fakes |", "|---|---|---|---|---|", *rows]


def _order(named: tuple[str, Mapping[str, Any]]) -> int:
    titles = list(CARD_TITLES)
    return titles.index(named[0]) if named[0] in titles else len(titles)


def _ends(entry: Mapping[str, Any]) -> str:
    return f"{_number(entry['low'])} to {_number(entry['high'])}" if entry.get("low") is not None else "-"


def _title(name: str) -> str:
    return CARD_TITLES.get(name, plain(name))


def _entries(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in metrics.items():
        if isinstance(entry, Mapping) and "value" in entry:
            yield f"{prefix}{name}", entry
        elif isinstance(entry, Mapping):
            yield from _entries(entry, f"{prefix}{name}, ")


def plain(text: str) -> str:
    """Text from data as Markdown shows it, on one line: no markup, no column of a table."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"
