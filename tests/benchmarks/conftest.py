"""The smallest detector, which the tests of the service made."""

from tests.serving.conftest import tiny_detector as tiny_detector
