"""The smallest detector, which the tests of the service made."""

from tests.serving.conftest import tiny_detector

__all__ = ["tiny_detector"]
