"""Prefect flows over the pipeline; they start DVC and hold no machine learning."""

import os
from pathlib import Path

# The one work at import: Prefect reads its privacy switches while it is imported.
for _line in (Path(__file__).parent.parent / ".env.example").read_text().splitlines():
    if not _line.startswith("#") and "=" in _line:
        os.environ.setdefault(*_line.split("=", 1))
