import pandas as pd

from unmask.data.audit.page import PageData, render_page
from unmask.data.audit.shortcut import ShortcutRow
from unmask.data.audit.suite import Outcome

ROWS = pd.DataFrame(
    {"source": ["<s>"], "label": ["real"], "generator": ["camera"], "split": ["train"], "labelled": [False]}
)


def outcome(**changed: object) -> Outcome:
    usual = {
        "name": "n",
        "title": "no <b>",
        "hard": True,
        "passed": False,
        "observed": 2.0,
        "bounds": (None, 0.0),
        "key": "",
    }
    return Outcome(**{**usual, "failing": 60, "culprits": ("abc", "def"), **changed})


def page(**changed: object) -> str:
    quarantine = pd.DataFrame({"path": ["<i>.jpg"], "source": ["web"], "reason": ["damaged picture"]})
    shortcuts = [ShortcutRow("s", "gan", "s", 40, 30, 0.912), ShortcutRow("s", "new", "s", 40, 3, None)]
    usual = {"outcomes": [outcome()], "rows": ROWS, "quarantine": quarantine, "shortcuts": shortcuts}
    return render_page(PageData(**{**usual, "max_shortcut_auc": 0.65, "sheets": {}, **changed}))


def test_names_from_files_are_escaped():
    assert "<b>" not in page().replace("<b style", "")
    assert "&lt;i&gt;.jpg" in page()
    assert "&lt;s&gt;" in page()


def test_failing_rows_stand_with_their_number():
    assert "<code>abc</code> <code>def</code> and 58 more" in page()


def test_the_shortcut_stands_as_a_bar_or_says_too_few():
    assert "0.912" in page()
    assert "width:82%" in page()
    assert "too few rows" in page()


def test_a_passing_gate_says_so():
    assert "Passed" in page(outcomes=[outcome(passed=True)])
    assert "Stopped" not in page(outcomes=[outcome(passed=True)])
