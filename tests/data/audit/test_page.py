import pandas as pd
from PIL import Image

from unmask.data.audit.growth import Change
from unmask.data.audit.page import PageData, render_page
from unmask.data.audit.pictures import Shown
from unmask.data.audit.shortcut import ShortcutRow
from unmask.data.audit.suite import Outcome

ROWS = pd.DataFrame(
    {
        "source": ["<s>"],
        "label": ["real"],
        "generator": ["camera"],
        "split": ["train"],
        "labelled": [False],
        "picture_width": [40],
        "picture_height": [30],
        "format": ["<PNG>"],
        "jpeg_quality": [-1],
        "sharpness": [9.0],
        "brightness": [0.4],
    }
)
PICTURES = {"shown": {}, "sheets": {}, "version": "First version", "changes": ()}


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
    return Outcome(**{**usual, "failing": 60, "culprits": ("abc", "def"), "named": (), **changed})


def page(**changed: object) -> str:
    quarantine = pd.DataFrame({"path": ["<i>.jpg"], "source": ["web"], "reason": ["damaged picture"]})
    shortcuts = [ShortcutRow("s", "gan", "s", 40, 30, 0.912, 0.987), ShortcutRow("s", "new", "s", 40, 3, None, None)]
    usual = {"outcomes": [outcome()], "rows": ROWS, "quarantine": quarantine, "shortcuts": shortcuts}
    return render_page(PageData(**{**usual, "max_shortcut_auc": 0.65, **PICTURES, **changed}))


def test_names_from_files_are_escaped():
    assert "<b>" not in page().replace("<b style", "")
    assert "&lt;i&gt;.jpg" in page()
    assert "&lt;s&gt;" in page()


def test_failing_rows_stand_with_their_number():
    assert "<code>abc</code> <code>def</code> and 58 more" in page()


def test_the_shortcut_stands_as_a_bar_or_says_too_few():
    assert "0.912" in page()
    assert "width:82%" in page()
    assert "0.987" in page()
    assert "too few rows" in page()


def test_a_passing_gate_says_so():
    assert "Passed" in page(outcomes=[outcome(passed=True)])
    assert "Stopped" not in page(outcomes=[outcome(passed=True)])


def test_what_is_meant_stands_in_words():
    assert "<li>web: 0 real, 9 fake &lt;&gt;</li>" in page(outcomes=[outcome(named=("web: 0 real, 9 fake <>",))])


def test_a_row_to_look_at_has_its_picture_or_says_that_there_is_none():
    shown = {"n": [Shown("abc", "web / <real>", Image.new("RGB", (8, 8))), Shown("def", "web", None)]}
    found = page(shown=shown)
    assert "alt='web / &lt;real&gt;' src='data:image/jpeg;base64," in found
    assert "unreadable" in found


def test_an_audit_that_could_not_run_says_so():
    assert "Not run" in page(shortcuts=[])


def test_an_expectation_without_a_figure_is_neither_held_nor_missed():
    found = page(outcomes=[outcome(hard=False, observed=None, named=("not measured: <few>",), unmeasured="<few>")])
    assert "<strong>Passed</strong> on 1 crops, 1 not measured." in found
    assert "<span class=warn>not measured</span>" in found
    assert "not measured: &lt;few&gt;" in found
    assert "observed not" not in found
    assert "0 rows" not in found
    assert ">held<" not in found
    assert ">missed<" not in found


def test_the_page_says_what_a_shortcut_auc_is():
    assert "A shortcut AUC is the probability that" in page()


def test_what_changed_stands_as_a_share():
    changes = [Change("<s>", "real", 200, 150)]
    assert "<td>&lt;s&gt;</td><td>real</td><td class=n>200</td><td class=n>150</td><td class=n>-25.0%</td>" in page(
        changes=changes
    )
    assert "Since the accepted version" not in page()


def test_formats_and_sizes_stand_as_shares():
    assert "&lt;PNG&gt; 100%" in page()
    assert "40 x 30 px 100%" in page()
