"""The committed sample is the one that docs/data.md names, whole and unchanged, and small."""

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
STORE = ROOT / "sample/files/md5"
LARGEST_BYTES = 30_000_000


def blob(md5: str) -> Path:
    return STORE / md5[:2] / md5[2:]


def test_the_stored_sample_is_the_frozen_one() -> None:
    found = re.search(r"frozen: `([0-9a-f]{32}\.dir)`", (ROOT / "docs/data.md").read_text(encoding="utf-8"))
    assert found
    listing = blob(found[1]).read_bytes()
    assert hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir" == found[1]
    listed = {entry["md5"] for entry in json.loads(listing)}
    for md5 in listed:
        assert hashlib.md5(blob(md5).read_bytes(), usedforsecurity=False).hexdigest() == md5
    stored = {path.parent.name + path.name for path in STORE.rglob("*") if path.is_file()}
    assert stored == listed | {found[1]}
    assert sum(path.stat().st_size for path in STORE.rglob("*") if path.is_file()) <= LARGEST_BYTES
