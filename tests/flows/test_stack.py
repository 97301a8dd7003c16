"""The eight packages in one process, each at work: a resolver that calls a set of versions sound may be wrong.

A served Bento is the eighth; it is served in tests/service.
"""

import importlib

import great_expectations as gx
import pandas as pd
import pytest
import timm
import torch
from dvc.repo import Repo
from evidently import Dataset, Report
from evidently.presets import DataDriftPreset
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from unmask.config import load_config

EIGHT = ("bentoml", "dvc", "evidently", "great_expectations", "hydra", "prefect", "timm", "torch")


@pytest.mark.parametrize("name", EIGHT)
def test_it_imports_beside_the_others(name):
    assert importlib.import_module(name)


def test_prefect_runs_a_flow(prefect_api):
    @flow
    def double(number: int) -> int:
        return 2 * number

    with temporary_settings({PREFECT_API_URL: prefect_api}):
        assert double(21) == 42


@pytest.mark.parametrize(("rows", "passes"), [([0.1, 0.9], True), ([0.1, 1.1], False)])
def test_great_expectations_judges_a_table(rows, passes):
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("here").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all")
    suite = context.suites.add(gx.ExpectationSuite(name="suite"))
    suite.add_expectation(gx.expectations.ExpectColumnValuesToBeBetween(column="score", min_value=0, max_value=1))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name="v", data=batch, suite=suite))
    checkpoint = context.checkpoints.add(gx.Checkpoint(name="c", validation_definitions=[definition]))
    result = checkpoint.run(batch_parameters={"dataframe": pd.DataFrame({"score": rows})})
    assert result.success is passes


def test_evidently_reports_drift():
    reference = pd.DataFrame({"score": [i / 100 for i in range(100)]})
    report = Report([DataDriftPreset()], include_tests=True)
    snapshot = report.run(Dataset.from_pandas(reference + 5), Dataset.from_pandas(reference))
    assert {test["status"] for test in snapshot.dict()["tests"]} == {"FAIL"}


def test_timm_and_torch_make_a_forward_pass():
    network = timm.create_model("test_resnet", num_classes=2).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 2)


def test_hydra_composes_our_settings(project):
    assert load_config(project, ["teach.epochs=3"]).teach.epochs == 3


def test_dvc_tracks_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.txt").write_text("1")
    with Repo.init(no_scm=True) as repo:
        repo.add("data.txt")
        assert repo.status() == {}
