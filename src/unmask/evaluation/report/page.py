"""The report: one self-contained HTML page from a finished evaluation folder. The template engine escapes all text."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError
from markupsafe import Markup

from unmask.errors import DataError
from unmask.evaluation.report import (
    curves,
    domains,
    explanations,
    generators,
    headline,
    identity,
    limits,
    mistakes,
    robustness,
    tables,
    training,
    verdicts,
)
from unmask.evaluation.report.evidence import REMEDY, Evidence, read_evidence
from unmask.evaluation.report.numbers import percent, three
from unmask.files import replacing

PAGE, MACROS, STYLE = "page.html.jinja", "macros.html.jinja", "style.css"


@dataclass(frozen=True)
class Section:
    """A part of the page: anchor, heading, template and what it is filled with."""

    id: str
    title: str
    template: str
    build: Callable[[Evidence], dict[str, object]]


SECTIONS = (
    Section("headline", "Headline", headline.TEMPLATE, headline.build),
    Section("generators", "Generators", generators.TEMPLATE, generators.build),
    Section("verdicts", "Verdicts", verdicts.TEMPLATE, verdicts.build),
    Section("curves", "Curves", curves.TEMPLATE, curves.build),
    Section("robustness", "Recompression and resizing", robustness.TEMPLATE, robustness.build),
    Section("domains", "Bias between domains", domains.TEMPLATE, domains.build),
    Section("explanations", "Explanations", explanations.TEMPLATE, explanations.build),
    Section("mistakes", "Worst mistakes", mistakes.TEMPLATE, mistakes.build),
    Section("slices", "All figures", tables.TEMPLATE, tables.build),
    Section("training", "Training", training.TEMPLATE, training.build),
    Section("unknown", "What is not known", limits.TEMPLATE, limits.build),
    Section("identity", "What this was measured on", identity.TEMPLATE, identity.build),
)


def write_report(folder: Path, out: Path) -> int:
    """Render the evaluation in FOLDER to the file OUT; returns its size in bytes.

    Raises:
        DataError: FOLDER is no finished evaluation of this version; the message names the file.
    """
    evidence = read_evidence(folder)
    try:
        text = render(evidence)
    except (KeyError, TypeError, UndefinedError) as error:
        raise DataError(f"{folder}: not what evaluate of this version writes ({error}); {REMEDY}") from error
    with replacing(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return out.stat().st_size


def render(evidence: Evidence) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for form in (three, percent):
        environment.filters[form.__name__] = environment.globals[form.__name__] = form
    environment.globals["candidates"] = evidence.candidates
    environment.globals["show"] = environment.get_template(MACROS).module
    sections = [_filled(environment, section, evidence) for section in SECTIONS]
    packaged = evidence.test[evidence.test["candidate"] == evidence.packaged]
    return environment.get_template(PAGE).render(
        style=STYLE,
        run=evidence.run,
        packaged=evidence.packaged,
        pictures=len(packaged),
        groups=packaged["group"].nunique(),
        sections=sections,
    )


def _filled(environment: Environment, section: Section, evidence: Evidence) -> dict[str, object]:
    body = environment.get_template(section.template).render(**section.build(evidence))
    return {"id": section.id, "title": section.title, "body": Markup(body)}  # noqa: S704 - the engine has escaped it
