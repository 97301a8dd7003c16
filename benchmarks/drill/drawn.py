"""The drill's pictures on the sample: drawn like it, of people that it does not have, and those of the newcomer."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.drill import newcomer
from benchmarks.drill.pictures import Material, Picture, divide
from unmask.commands.data import SAMPLE_SEED
from unmask.console import say, track
from unmask.data.parallel import Workers, ordered_map, process_pool
from unmask.data.sample.build import CODEC_STREAM, FORGER_STREAM, draw_sample, take_photo
from unmask.data.sample.codec import encode
from unmask.data.sample.fields import stream
from unmask.data.sample.forgers import UNSEEN
from unmask.data.sample.plan import FULL, Batch, SampleCounts
from unmask.data.sample.portrait import draw_shot
from unmask.data.tables import read_table
from unmask.errors import DataError

SEED = 20261121  # other people than any sample's
# Pictures: photographs, of each generator that the sample trains on, of each that it only tests on, of the newcomer.
REALS, OLD_SEEN, OLD_UNSEEN, NEW = 520, 160, 80, 360
HELD_OUT, HELD_OUT_NEW = 0.5, 0.33  # shares of people
BATCHES: tuple[Batch, ...] = (1, 2)  # of the sample
NEWCOMERS = 9_000_000  # their numbers begin here, beyond those of the sample's people
PREDICTIONS = Path("build/evaluation/predictions.parquet")


def check_seed(seed: int) -> None:
    """Refuse the sample's own SEED.

    Raises:
        DataError: with it the people of the sample, whom the champion learned from, would be drawn again.
    """
    if seed == SAMPLE_SEED:
        raise DataError(
            f"--seed {seed}: is the sample's own and draws the people that the champion trains on; take another"
        )


def draw_material(root: Path, *, seed: int, workers: int) -> Material:
    """Draw usual traffic with as many fakes as the champion's reference in ROOT has, and the newcomer's pictures.

    Pictures of generators that the champion has not learned from are held out, all of them: it knows no usual ones.

    Raises:
        DataError: ROOT has no evaluation, or SEED is the sample's own.
    """
    check_seed(seed)
    fakes = fakes_for_each_real(root / PREDICTIONS)
    with tempfile.TemporaryDirectory(prefix="unmask-drill-") as folder:
        drawn = [
            one for batch in BATCHES for one in _batch(Path(folder, str(batch)), batch, seed=seed, workers=workers)
        ]
    sent, kept = divide((one for one in drawn if one.generator not in UNSEEN), HELD_OUT, seed=seed)
    say(f"drill: drawing {NEW} pictures of {newcomer.NAME}")
    with process_pool(Workers(workers), workers) as pool:
        made = ordered_map(pool, partial(_forge, seed), range(NEW), ahead=4 * workers)
        new, new_kept = divide(track(made, newcomer.NAME, total=NEW), HELD_OUT_NEW, seed=seed)
    held_out = [*kept, *(one for one in drawn if one.generator in UNSEEN), *new_kept]
    return Material(newcomer.NAME, usual_mix(sent, fakes), new, held_out, newcomer.NOTE)


def usual_mix(pictures: Sequence[Picture], fakes: float) -> list[Picture]:
    """All photographs, and of the fakes so many for each of them; of every generator about as many."""
    reals = [one for one in pictures if one.label == "real"]
    by_generator: defaultdict[str, list[Picture]] = defaultdict(list)
    for one in pictures:
        if one.label == "fake":
            by_generator[one.generator].append(one)
    each = round(fakes * len(reals) / max(1, len(by_generator)))
    return [*reals, *(one for of in by_generator.values() for one in of[:each])]


def fakes_for_each_real(predictions: Path) -> float:
    """How many fakes of generators that it knows the model's held-out rows have for each real one.

    The monitor takes that mix for the usual one.

    Raises:
        DataError: the table is missing, or lacks reals.
    """
    rows = read_table(predictions, ["image_id", "split", "label", "seen"]).drop_duplicates("image_id")
    rows = rows[rows["split"].isin(["val", "test"]) & rows["seen"]]
    reals = int((rows["label"] == "real").sum())
    if not reals:
        raise DataError(f"{predictions}: no held-out photographs")
    return (len(rows) - reals) / reals


def _batch(folder: Path, batch: Batch, *, seed: int, workers: int) -> Iterator[Picture]:
    """A batch's share of the pictures; the sample's second is of newer cameras."""
    part = FULL[batch].real / sum(counts.real for counts in FULL.values())
    reals, seen, unseen = (round(part * count) for count in (REALS, OLD_SEEN, OLD_UNSEEN))
    counts = SampleCounts(real=reals, unlabelled=0, seen=seen, unseen=unseen)
    draw_sample(folder, seed=seed, batch=batch, counts=counts, workers=workers)
    root = folder / "sample"
    groups = pd.read_csv(root / "attributes.csv", dtype=str).set_index("file")["group"]
    for file, group in groups.items():
        label, generator, _ = str(file).split("/")
        data = (root / str(file)).read_bytes()
        yield Picture(f"{batch}/{file}", data, "real" if label == "real" else "fake", generator, f"{batch}/{group}")


def _forge(seed: int, number: int) -> Picture:
    """A picture of the newcomer; every person has one."""
    person = NEWCOMERS + number
    photo = take_photo(seed, person, draw_shot((seed, person, 0), newest=number % 5 == 0))
    forged = newcomer.forge(photo, stream(seed, FORGER_STREAM, person))
    data, ending = encode(forged.pixels, stream(seed, CODEC_STREAM, person))
    name = f"{newcomer.NAME}/{number}.{ending}"
    return Picture(name, data, "fake", newcomer.NAME, name)
