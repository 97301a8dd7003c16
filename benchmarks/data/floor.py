"""What assemble can't do without, in bare worker processes: python -m benchmarks.data.floor SHARD... (zip files)."""

import hashlib
import io
import multiprocessing
import sys
import zipfile
from pathlib import Path

import imagehash
from PIL import Image

WORKERS = 2


def main(shards: list[str]) -> None:
    """Read, decode, hash and encode every picture of the shards, each worker its share."""
    shares = [(shards, worker) for worker in range(WORKERS)]
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        print(sum(pool.starmap(_share, shares, chunksize=1)))


def _share(shards: list[str], worker: int) -> int:
    done = 0
    for shard in shards:
        with zipfile.ZipFile(Path(shard)) as archive:
            for name in archive.namelist()[worker::WORKERS]:
                _work(archive.read(name))
                done += 1
    return done


def _work(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    hashlib.sha256(image.tobytes()).hexdigest()
    imagehash.phash(image)
    image.save(io.BytesIO(), "PNG", compress_level=1)


if __name__ == "__main__":
    main(sys.argv[1:])
