import subprocess
import sys

from unmask.evaluation.headline import headline_lines

NUMBER = {"value": 0.9123, "low": 0.88, "high": 0.95, "n_real": 290, "n_fake": 280}


def test_each_number_comes_with_its_interval_and_rows() -> None:
    lines = headline_lines(
        {
            "note": "smoke test",
            "student": {"auc_seen": NUMBER, "fpr_real": NUMBER},
            "shortcut": {"pooled": 0.6, "with_chroma": 0.8},
        }
    )
    assert lines[0] == "smoke test"
    assert "0.912  (0.880 to 0.950; 290 real, 280 fake)" in lines[1]
    assert "91.2%  (88.0% to 95.0%; 290 real, 280 fake)" in lines[2]
    assert lines[3].endswith("0.600")
    assert lines[4].endswith("0.800")


def test_an_unknown_number_says_why() -> None:
    number = {"value": None, "low": None, "high": None, "n_real": 290, "n_fake": 3, "reason": "only 3 fake"}
    assert "unknown (only 3 fake; 290 real, 3 fake)" in headline_lines({"student": {"auc_unseen": number}})[0]


def test_an_unknown_shortcut_is_left_out() -> None:
    assert headline_lines({"shortcut": {"pooled": None}}) == []


def test_the_program_says_in_one_line_that_nothing_was_evaluated_and_loads_no_torch(tmp_path) -> None:
    run = "runpy.run_module('unmask.evaluation.headline', run_name='__main__')"
    code = f"import sys, runpy\ntry:\n {run}\nfinally:\n print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "build/metrics.json: missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() == "False"
