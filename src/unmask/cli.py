"""`unmask`: the commands a person types; the pipeline itself runs with `dvc repro`."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from unmask.config import load_config
from unmask.console import run_as_program
from unmask.data.examine import Caps
from unmask.data.ingest import ingest
from unmask.data.manifest import SAMPLE_SOURCE

SAMPLE_SEED = 7
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Keep a deepfake detector current: take pictures in here, then train, judge and package with `dvc repro`.",
)
DataFolder = Annotated[Path, typer.Option("--data", help="Folder of the batches, tracked by data.dvc.")]


@app.command("ingest")
def ingest_command(
    path: Annotated[Path, typer.Argument(help="Folder whose children are sources.", show_default=False)],
    source: Annotated[
        str | None, typer.Option(help="PATH is itself one source; this is its name.", show_default=False)
    ] = None,
    batch: Annotated[
        str | None, typer.Option(help="Name of the new batch; today's date and a counter if left out.")
    ] = None,
    data: DataFolder = Path("data"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be taken, write nothing.")] = False,
) -> None:
    r"""Take a folder of pictures in as a new batch.

    PATH/<source>/<real|fake|unlabelled>/<generator>/.../<file>, for instance
    pictures/newsroom/fake/faceswap/0001.jpg or pictures/newsroom/real/camera/a/b.png.
    JPEG, PNG, WebP, BMP and TIFF. A folder of pictures without any of these
    sub-folders can be taken as unlabelled with --source NAME.

    Optional, in each source's folder:

    \b
    pairs.csv          real,fake: which real picture a fake was made from
    attributes.csv     file and any columns; group (identity), clip and
                       first_seen (ISO date) are understood
    landmarks.parquet  file, landmarks: 68 points as 136 numbers in pixels
    masks/             PNG, same relative path as its picture, 255 = altered

    Bytes are stored as they are. Pictures already in any batch are left out, so
    running twice does no harm; sidecars are read for new pictures only. What
    can't be used is listed with its reason in <data>/<batch>/quarantine.parquet.
    The limits on size are those of params.yaml (assemble.max_megapixels,
    assemble.max_megabytes). Then: dvc repro.
    """
    run_as_program(
        "ingest",
        lambda: ingest(path, data, today=_today(), source=source, batch=batch, caps=_caps(), dry_run=dry_run),
    )


@app.command("sample")
def sample_command(
    seed: Annotated[int, typer.Option(help="Another seed draws other people.")] = SAMPLE_SEED,
    data: DataFolder = Path("data"),
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw; they don't change the pictures.")] = 2,
) -> None:
    """Draw the sample: two batches of made-up faces, real and forged, to try everything out.

    The same seed gives the same bytes. It is a smoke test: figures measured on it
    say that the pipeline works, nothing about photographs of people. A fresh clone
    gets it without drawing: dvc pull -r sample data.dvc.
    """
    run_as_program("sample", lambda: _draw(data, seed=seed, workers=workers))


@app.command("accept")
def accept_command() -> None:
    """Make the data that the gate saw last the version that later ones are held against.

    The gate stops where a source lost reals or fakes since then (validate.max_shrink)
    and remarks on growth (validate.max_growth). Accept after looking at
    build/validation/index.html, for instance where pictures were withdrawn on
    purpose, and commit data.baseline.json. It changes no crop and trains nothing.
    """
    from unmask.data.audit.growth import accept

    run_as_program("accept", lambda: accept(Path("build/validation"), Path("data.baseline.json")))


def main() -> None:
    """Run the command line."""
    app()


def _draw(data: Path, *, seed: int, workers: int) -> str:
    from unmask.data.sample.build import draw_sample
    from unmask.data.sample.plan import FULL, Batch

    summaries = []
    for number, counts in FULL.items():
        name = f"{SAMPLE_SOURCE}-{number}"
        if (data / name).exists():
            summaries.append(f"{data / name} is there already")
            continue
        with tempfile.TemporaryDirectory(prefix="unmask-sample-") as folder:
            draw_sample(Path(folder), seed=seed, batch=cast("Batch", number), counts=counts, workers=workers)
            summaries.append(ingest(Path(folder), data, today=_today(), batch=name))
    return "; ".join(summaries)


def _caps() -> Caps:
    if not Path("params.yaml").is_file():
        return Caps()
    limits = load_config(Path.cwd()).assemble
    return Caps(limits.max_megapixels, limits.max_megabytes)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
