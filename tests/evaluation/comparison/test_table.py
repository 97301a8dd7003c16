import io

from rich.console import Console

from unmask.evaluation.comparison.compare import Decision
from unmask.evaluation.comparison.rule import Check
from unmask.evaluation.comparison.table import show_decision, summary

GOOD = Check("better on overall:all, AUC", 0.012, (0.003, 0.02), ">", 0.0, passed=True, reason="0.900 to 0.912")
BAD = Check("not worse on source:[red]x[/red], AUC", -0.1, (-0.2, 0.0), ">=", -0.05, passed=False, reason="worse")


def _decision(*checks: Check) -> Decision:
    verdict = "promote" if all(check.passed for check in checks) else "keep"
    return Decision(verdict, "a (student)", "b (student)", "", 868, checks, (), ("A remark.",))


def test_failed_checks_come_first_and_names_from_data_are_no_markup() -> None:
    stream = io.StringIO()
    show_decision(_decision(GOOD, BAD), Console(file=stream))
    lines = stream.getvalue().splitlines()
    failed = next(index for index, line in enumerate(lines) if "FAILED" in line)
    assert "[red]x[/red]" in lines[failed]
    assert failed < next(index for index, line in enumerate(lines) if "better on" in line)
    assert "0.003 to 0.020" in stream.getvalue()
    assert "A remark." in lines


def test_the_summary_says_the_verdict_and_what_failed() -> None:
    assert summary(_decision(GOOD)) == "promote, all 1 checks passed on 868 shared test rows"
    assert summary(_decision(GOOD, BAD)) == "keep, 1 of 2 checks failed on 868 shared test rows"
