"""A protocol over the whole pipeline, on the small copy of this repository."""

import pandas as pd
import pytest

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

QUICK = ("-S", "teach.epochs=2", "-S", "distill.epochs=1", "-S", "evaluate.bootstrap=20")


def test_each_generator_is_left_out_once(clone):
    printed = clone.run("unmask", "protocol", "leave-one-out", *QUICK)
    assert "2 of 2 experiments are finished" in printed
    table = pd.read_csv(clone.root / "build/protocols/leave-one-out.csv")
    assert sorted(set(table["generator"])) == ["smear", "stripes"]
    assert set(table["candidate"]) == {"student", "teacher"}
    assert table["n_fake"].gt(0).all()
    assert clone.run("git", "status", "--porcelain") == ""
    again = clone.run("unmask", "protocol", "leave-one-out", *QUICK)
    assert "Running stage" not in again
