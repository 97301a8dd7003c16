"""Numbers as the page writes them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.browser.conftest import Opener

pytestmark = pytest.mark.xdist_group("browser")
SHARE = st.floats(0, 1).map(lambda p: round(p, 4))
ONCE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WRITE = """async ([shares, real, fake]) => {
  const { digitsFor, percent } = await import("/ui/words.js");
  const thresholds = { real: { probability: real }, fake: { probability: fake } };
  return shares.map((p) => {
    const digits = digitsFor([p], thresholds);
    return [p, real, fake].map((one) => percent(one, digits));
  });
}"""


def test_no_probability_is_written_as_certain_or_as_a_threshold_that_it_is_not(open_page: Opener) -> None:
    page = open_page()

    @given(st.lists(SHARE, min_size=1, max_size=30), SHARE, SHARE)
    @ONCE
    def holds(shares: list[float], one: float, other: float) -> None:
        real, fake = sorted((one, other))
        written = page.evaluate(WRITE, [shares, real, fake])
        for p, (text, *levels) in zip(shares, written, strict=True):
            assert text not in {"0 %", "100 %", "0.0 %", "100.0 %"}
            # Beyond the last percent, tenth or hundredth there are words in place of digits, the same for all.
            same = [abs(p - level) < 0.0001 for level in (real, fake)]
            words = text.startswith(("under", "over"))
            assert all(text != level or equal or words for level, equal in zip(levels, same, strict=True))

    holds()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.96, "10.0 s"), (59.9, "59.9 s"), (59.97, "1:00.0 min"), (125.25, "2:05.3 min")],
)
def test_times(open_page: Opener, seconds: float, text: str) -> None:
    written = "async (at) => (await import('/ui/words.js')).time(at)"
    assert open_page().evaluate(written, seconds) == text


def test_sizes(open_page: Opener) -> None:
    written = "async (sizes) => sizes.map((await import('/ui/words.js')).size)"
    assert open_page().evaluate(written, [1, 1000, 999_001, 1_000_000]) == ["1 kB", "1 kB", "1000 kB", "1.0 MB"]
