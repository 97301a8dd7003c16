"""Pictures a second of `unmask predict` against bare decoding and ONNX Runtime on as many threads, and a plain loop.

python -m benchmarks.predict --data FOLDER  after `dvc repro`; FOLDER holds faces/ and videos/; some minutes
"""

import io
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated

import av
import numpy as np
import numpy.typing as npt
import onnxruntime
import typer
from PIL import Image

from benchmarks.data.table import Row, as_markdown
from unmask.console import say
from unmask.data.stills import is_clip
from unmask.serving.bundle import BUNDLE, MODEL, Bundle, load_bundle
from unmask.serving.offline.predict import predict
from unmask.serving.offline.scoring import CHUNK

Crops = npt.NDArray[np.uint8]
Side = Callable[[Sequence[Path]], object]


def main(
    data: Annotated[Path, typer.Option(envvar="UNMASK_REAL_DATA", help="Folder with faces/ and videos/.")],
    bundle: Annotated[Path, typer.Option(help="The packaged model.")] = BUNDLE,
    pictures: Annotated[int, typer.Option(min=1, help="Pictures of the larger sets.")] = 4000,
    workers: Annotated[int, typer.Option(min=1, help="Threads of each side.")] = 2,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each side, in turn; the median counts.")] = 5,
) -> None:
    """Print one table of ratios; nothing here is a test."""
    crops = sorted((data / "faces/dfdc").rglob("*.jpg"))
    large = [*sorted((data / "faces/portraits").rglob("*.jpg")), *sorted((data / "faces/synthetic").rglob("*.jpg"))]
    clip = sorted((data / "videos").iterdir())[:1]
    sets = {
        "200 face crops of 224 px and one clip of 10 s in 1080p": [*crops[:200], *clip],
        f"{len(crops[:pictures]):,} face crops of 224 px": crops[:pictures],
        f"{len(large[:pictures]):,} portraits of 250 to 1,799 px": large[:pictures],
    }
    rows = [row for name, paths in sets.items() for row in compared(name, paths, bundle, workers, repeats)]
    print(as_markdown(rows))


def compared(name: str, paths: Sequence[Path], bundle: Path, workers: int, repeats: int) -> list[Row]:
    """Pictures a second over a set, each side from opening the model to its last answer."""
    say(f"measuring {name}")
    sides: dict[str, Side] = {
        "ours": partial(ours, bundle=bundle, workers=workers),
        "bare": partial(bare, bundle=bundle, workers=workers),
        "loop": partial(loop, bundle=bundle),
    }
    seconds = alternating(sides, paths, repeats)
    rate = {side: len(paths) / taken for side, taken in seconds.items()}
    rows = []
    for peer, what, aim in (("bare", "bare decode and ONNX Runtime", "0.8"), ("loop", "one picture after another", "")):
        figures = (f"{rate[side]:.0f} /s" for side in ("ours", peer))
        rows.append(Row(f"predict / {what}", *figures, rate["ours"] / rate[peer], aim, f"{name}, {workers} threads"))
    return rows


def alternating(sides: dict[str, Side], paths: Sequence[Path], repeats: int) -> dict[str, float]:
    """Median seconds of each side, the sides in turn after one run to warm up."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(1 + repeats):
        for name, side in sides.items():
            start = time.perf_counter()
            side(paths)
            times[name].append(time.perf_counter() - start)
    return {name: median(values[1:]) for name, values in times.items()}


def ours(paths: Sequence[Path], *, bundle: Path, workers: int) -> None:
    """The whole of `unmask predict --csv`, imports taken off: bundle checked, self-tests run, table written."""
    with tempfile.TemporaryDirectory(prefix="unmask-bench-") as folder:
        table = Path(folder) / "out.csv"
        predict([str(path) for path in paths], bundle=bundle, csv=table, show=print, workers=workers)


def bare(paths: Sequence[Path], *, bundle: Path, workers: int) -> list[float]:
    """The same work and nothing else: threads that decode, cut the centre and infer, a batch at a time."""
    described, session = _opened(bundle, threads=1)
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]

    def work(chunk: Sequence[Path]) -> list[float]:
        crops = [crop for path in chunk for crop in decoded(path, described)]
        return list(session.run(["logit"], {"image": np.stack(crops)})[0])

    with ThreadPoolExecutor(workers) as pool:
        return [logit for logits in pool.map(work, chunks) for logit in logits]


def loop(paths: Sequence[Path], *, bundle: Path) -> list[float]:
    """What one writes first: a picture at a time, inference on all cores."""
    described, session = _opened(bundle, threads=0)
    crops = (crop for path in paths for crop in decoded(path, described))
    return [float(session.run(["logit"], {"image": crop[None]})[0][0]) for crop in crops]


def decoded(path: Path, bundle: Bundle) -> list[Crops]:
    """Crops of a file by Pillow and PyAV alone; of a clip, every frame is decoded and as many are cut as we take."""
    if not is_clip(path.name):
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            return [_cut(picture.convert("RGB"), bundle)]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        count = int(bundle.params["assemble"]["clip_frames"])
        wanted = {int((number + 0.5) / count * stream.frames) for number in range(count)}
        return [
            _cut(frame.to_image(), bundle) for number, frame in enumerate(container.decode(stream)) if number in wanted
        ]


def _cut(picture: Image.Image, bundle: Bundle) -> Crops:
    settings = bundle.preprocessing
    picture.thumbnail((settings.max_side_px, settings.max_side_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    left, top = (picture.width - settings.size_px) // 2, (picture.height - settings.size_px) // 2
    return np.asarray(picture.crop((left, top, left + settings.size_px, top + settings.size_px)))


def _opened(folder: Path, *, threads: int) -> tuple[Bundle, onnxruntime.InferenceSession]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return load_bundle(folder), onnxruntime.InferenceSession(str(folder / MODEL), sess_options=options)


if __name__ == "__main__":
    typer.run(main)
