"""`python -m tests.faults`: plant every known fault and print which were found."""

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", str(Path(__file__).parent), *sys.argv[1:]]))
