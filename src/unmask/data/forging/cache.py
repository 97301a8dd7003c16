"""Results made shard by shard, under names that are digests of all they depend on."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from unmask.data.code import code_digest
from unmask.data.manifest import MANIFEST_SCHEMA


@dataclass(frozen=True)
class Cache:
    """Files `<prefix><name><suffix>` in a folder, one of each pattern for every name."""

    folder: Path
    patterns: tuple[tuple[str, str], ...]

    def complete(self, name: str) -> bool:
        """Whether all files of a name are there; each is renamed into place when whole."""
        return all((self.folder / f"{prefix}{name}{suffix}").is_file() for prefix, suffix in self.patterns)

    def keep(self, names: Iterable[str]) -> None:
        """Remove the files of all other names."""
        kept = set(names)
        for prefix, suffix in self.patterns:
            for path in self.folder.glob(f"{prefix}*{suffix}"):
                if path.name.removeprefix(prefix).removesuffix(suffix) not in kept:
                    path.unlink()


def shard_of(key: str) -> str:
    """The shard that a crop's key names."""
    return key.rpartition("/")[0]


def name_of(maker: type, settings: Iterable[object], *tables: pd.DataFrame) -> str:
    """16 hex digits that stand for the code of the class MAKER, SETTINGS and the manifest rows of TABLES."""
    digest = hashlib.sha256(code_digest(maker.__module__).encode())
    digest.update(json.dumps(list(settings)).encode())
    copied = [name for name in MANIFEST_SCHEMA.names if name != "landmarks"]
    for rows in tables:
        digest.update(rows[copied].to_json(orient="values").encode())
        for landmarks in rows["landmarks"]:
            digest.update(b"-" if landmarks is None else np.asarray(landmarks, dtype=np.float32).tobytes())
    return digest.hexdigest()[:16]
