"""Commands about the data: `unmask ingest | forget | sample | accept`."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from unmask.console import run_as_program, say
from unmask.dates import today

if TYPE_CHECKING:
    from unmask.data.examine import Caps
    from unmask.data.sample.plan import Batch

SAMPLE_SEED = 7
DataFolder = Annotated[Path, typer.Option("--data", help="Folder of the batches, tracked by data.dvc.")]


def ingest_command(
    path: Annotated[str, typer.Argument(help="Folder or list to take in, or a URL of one.", show_default=False)],
    *,
    layout: Annotated[
        str | None, typer.Option(help="How PATH is laid out; recognised if left out.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Name of the source; PATH is then itself one source.", show_default=False)
    ] = None,
    batch: Annotated[
        str | None, typer.Option(help="Name of the new batch; today's date and a counter if left out.")
    ] = None,
    data: DataFolder = Path("data"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be taken, write nothing.")] = False,
) -> None:
    """Take pictures and clips in as a new batch.

    PATH is a folder, or a URL such as s3://bucket/prefix, in one of these layouts:

    \b
    folders        <source>/<real|fake|unlabelled>/<generator>/.../<file>
    faceforensics  original_sequences/{youtube,actors}/c23/videos/000.mp4,
                   manipulated_sequences/<Method>/c23/videos/000_003.mp4, masks;
                   or images/<clip>/<frame>.png beside videos/
    celeb-df       Celeb-real/ YouTube-real/ Celeb-synthesis/
                   List_of_testing_videos.txt (Celeb-DF v2)
    dfdc           dfdc_train_part_<N>/ with metadata.json and clips
    deepfakebench  <dataset>.json beside the folders of frames
    forensynths    [train|val|test/]<generator>[/<category>]/0_real, 1_fake
    genimage       <generator>/{train,val}/{nature,ai}
    list           a CSV or Parquet file, or a folder with one at its top:
                   path,label (real, fake, unlabelled), and if you like
                   generator, source, group, clip, first_seen, pair, mask;
                   other columns become attributes

    Each public layout brings its groups, clips, pairs and masks along. Folders may
    have, optional, in each source's folder:

    \b
    pairs.csv          real,fake: which real picture a fake was made from
    attributes.csv     file and any columns; group (identity), clip and
                       first_seen (ISO date) are understood
    landmarks.parquet  file, landmarks: 68 points as 136 numbers in pixels
    masks/             same relative path as its picture (as PNG) or clip,
                       255 = altered

    A folder of pictures without any of these can be taken as unlabelled with
    --source NAME. JPEG, PNG, WebP, BMP and TIFF; clips need the extra `clips`.

    Bytes are stored as they are. Files already in any batch are left out, so
    running twice does no harm, and so are forgotten ones (unmask forget). What
    can't be used is listed with its reason in <data>/<batch>/quarantine.parquet.
    The limits on size are those of params.yaml (assemble.max_megapixels,
    assemble.max_megabytes, assemble.max_clip_megabytes). Then: dvc repro.
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    run_as_program("ingest", lambda: _ingest(path, data, layout=layout, source=source, batch=batch, dry_run=dry_run))


def forget_command(
    *,
    source: Annotated[str, typer.Option(help="Pictures of this source; * and ? are wildcards.")] = "",
    sha256: Annotated[str, typer.Option(help="The picture whose original bytes have this hash.")] = "",
    path: Annotated[str, typer.Option(help="Pictures of this path in their source; wildcards.")] = "",
    group: Annotated[str, typer.Option(help="Pictures of this group (identity); wildcards.")] = "",
    forgeries: Annotated[
        bool, typer.Option("--with-forgeries", help="Fakes made from a chosen real picture, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would go.")] = False,
    data: DataFolder = Path("data"),
) -> None:
    """Remove pictures and clips from the data, because consent was withdrawn.

    Several options narrow the choice. Nothing happens without --yes:

    \b
    unmask forget --source newsroom --group person-17
    unmask forget --source newsroom --group person-17 --yes

    Bytes, masks and index rows go; the shards they were in are rewritten, all
    else stays as it is. Their hashes, and nothing else, are kept in
    <data>/forgotten.txt, so that no later ingest takes them in again. A run that
    was killed is completed by the next. At the end it says what else must be
    purged: the DVC cache and remotes, build/, models trained on them.
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    chosen = {"source": source, "sha256": sha256, "path": path, "group": group}
    run_as_program("forget", lambda: _forget(data, chosen, forgeries=forgeries, yes=yes))


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


def accept_command() -> None:
    """Make the data that the gate saw last the version that later ones are held against.

    The gate stops where a source lost reals or fakes since then (validate.max_shrink)
    and remarks on growth (validate.max_growth). Accept after looking at
    build/validation/index.html, for instance where pictures were withdrawn on
    purpose, and commit data.baseline.json. It changes no crop and trains nothing.
    """
    from unmask.data.audit.growth import accept

    run_as_program("accept", lambda: accept(Path("build/validation"), Path("data.baseline.json")))


def _ingest(path: str, data: Path, *, layout: str | None, source: str | None, batch: str | None, dry_run: bool) -> str:
    from unmask.data.ingest import ingest

    return ingest(
        path, data, today=today().isoformat(), layout=layout, source=source, batch=batch, caps=_caps(), dry_run=dry_run
    )


def _forget(data: Path, chosen: dict[str, str], *, forgeries: bool, yes: bool) -> str:
    from unmask.data.forget import Selection, forget, remaining_traces
    from unmask.evaluation.provenance import data_md5

    summary = forget(data, Selection(**chosen, forgeries=forgeries), yes=yes)
    for line in remaining_traces(data, data_md5(data.with_suffix(".dvc"))) if yes else ():
        say(line)
    return summary


def _draw(data: Path, *, seed: int, workers: int) -> str:
    from unmask.data.ingest import ingest
    from unmask.data.manifest import SAMPLE_SOURCE
    from unmask.data.sample.build import draw_sample
    from unmask.data.sample.plan import FULL

    summaries = []
    for number, counts in FULL.items():
        name = f"{SAMPLE_SOURCE}-{number}"
        if (data / name).exists():
            summaries.append(f"{data / name} is there already")
            continue
        with tempfile.TemporaryDirectory(prefix="unmask-sample-") as folder:
            draw_sample(Path(folder), seed=seed, batch=cast("Batch", number), counts=counts, workers=workers)
            summaries.append(ingest(Path(folder), data, today=today().isoformat(), batch=name))
    return "; ".join(summaries)


def _caps() -> "Caps":
    from unmask.config import load_config
    from unmask.data.examine import Caps

    if not Path("params.yaml").is_file():
        return Caps()
    limits = load_config(Path.cwd()).assemble
    return Caps(limits.max_megapixels, limits.max_megabytes, limits.max_clip_megabytes)
