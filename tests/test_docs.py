"""Every command of the README and docs is run by some test; an unknown one fails until it is."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]

# Cheap commands run here: command -> what it must print.
RUN_HERE = {
    "python -m unmask.config": "params.yaml is sound",
    "python -m flows.retrain --help": "--trigger",
    "python -m flows.deployments --help": "--cron",
    "unmask ingest --help": "PATH",
    "unmask predict --help": "answers.csv",
    "python -m benchmarks.predict --help": "--data",
    "unmask preset --list": "sagnet-vitl14",
    "unmask preset sjedd-vitb32 --dry-run": "teach.optimiser.learning_rate: 3.0e-3 -> 6.0e-7",
    "python -m benchmarks.data --help": "--full",
    "python -m benchmarks.train --help": "--only",
    "python -m benchmarks.drift --help": "--windows",
    "python -m benchmarks.drill --help": "--real",
    "python -m benchmarks.evaluate --help": "--resamples",
    "python -m benchmarks.serve --help": "--soak",
    "dvc dag": "distill",
    "dvc metrics show": "",
    "make -n setup": "",
    "make -n prefect-server": "prefect server start",
    "make -n serve-flows": "flows.deployments",
    "make -n drill": "benchmarks.drill",
    "pre-commit validate-config": "",
}
COMPARISON = "tests/evaluation/comparison/test_revisions.py"
REPRO = "tests/pipeline/test_repro.py"
CLI = "tests/test_cli.py"
MONITOR = "tests/monitoring/test_command.py"
PREDICT = "tests/serving/offline/test_predict.py"
PROTOCOL = "tests/protocols/test_run.py"
REPORT = "tests/evaluation/report/test_page.py"
SERVICE = "tests/serving/test_service.py"
EXAMPLES = "tests/serving/test_examples.py::test_a_command_of_the_page_is_answered"
PROMOTION = "tests/serving/test_promotion_command.py"
BENTO = "tests/pipeline/test_same_probability.py::test_the_bento_says_it_too_where_only_its_own_packages_are"
# Dear ones: command of a page -> where it is run.
RUN_ELSEWHERE = {
    "make run": ".ci/run::make run",
    "make test": ".ci/run::make test",
    "make setup": f"{__name__}::make -n setup",
    "make prefect-server": f"{__name__}::make -n prefect-server",
    "make serve-flows": f"{__name__}::make -n serve-flows",
    "make drill": f"{__name__}::make -n drill",
    "pre-commit install": f"{__name__}::pre-commit validate-config",
    "dvc repro": f"{REPRO}::test_every_stage_leaves_its_output",
    "dvc exp run -S distill.epochs=30": f"{REPRO}::test_an_edited_section_reruns_exactly_what_depends_on_it",
    "dvc exp run -S teach.epochs=30": f"{REPRO}::test_an_edited_section_reruns_exactly_what_depends_on_it",
    "dvc push": f"{REPRO}::test_push_leaves_git_clean",
    "python -m unmask.stages.distill": f"{REPRO}::test_a_stage_runs_alone",
    "python -m flows.retrain": "tests/flows/test_retrain.py::test_by_hand_it_needs_no_server",
    "bentoml serve": f"{SERVICE}::test_it_answers_as_unmask_predict_does",
    "curl -F images=@face.jpg http://localhost:3000/predict": EXAMPLES,
    "curl -F images=@face.jpg -F images=@other.png http://localhost:3000/predict": EXAMPLES,
    "curl -F clip=@clip.mp4 http://localhost:3000/predict_clip": EXAMPLES,
    "curl -F image=@face.jpg http://localhost:3000/explain": EXAMPLES,
    "curl -F id=9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0 -F label=fake http://localhost:3000/feedback": EXAMPLES,
    "curl http://localhost:3000/model": EXAMPLES,
    "UNMASK_SERVING_WORKERS=2 UNMASK_SERVING_LIMITS_PICTURES=8 bentoml serve": (
        "tests/serving/test_examples.py::test_the_environment_comes_before_the_file"
    ),
    "unmask promote": f"{PROMOTION}::test_a_bundle_is_promoted_and_rolled_back_in_the_folder_of_the_settings",
    'unmask promote --reason "better on generator:news"': f"{PROMOTION}::test_another_folder_can_be_named",
    "unmask rollback": f"{PROMOTION}::test_a_bundle_is_promoted_and_rolled_back_in_the_folder_of_the_settings",
    "mkdir served": BENTO,
    "tar -xf build/package/unmask.bento -C served": BENTO,
    "uv venv served/.venv": BENTO,
    "uv pip install --python served/.venv/bin/python -r served/env/python/requirements.txt": BENTO,
    "served/.venv/bin/bentoml serve served": BENTO,
    "unmask predict inbox/ --csv answers.csv": f"{PREDICT}::test_each_picture_has_its_probability_and_verdict",
    "unmask predict inbox/ --csv answers.csv --resume": f"{PREDICT}::test_a_stopped_run_goes_on",
    "unmask protocol leave-one-out": f"{PROTOCOL}::test_a_failed_experiment_stops_none_of_the_others",
    "unmask protocol leave-one-out --dry-run": f"{PROTOCOL}::test_a_failed_experiment_stops_none_of_the_others",
    "unmask protocol next-window -S teach.epochs=10": f"{PROTOCOL}::test_next_window_shows_its_table",
    "unmask protocol next-window --queue": f"{PROTOCOL}::test_queued_ones_are_worked_off_and_not_queued_twice",
    "dvc queue start --jobs 2": f"{PROTOCOL}::test_queued_ones_are_worked_off_and_not_queued_twice",
    "unmask report --open": f"{REPORT}::test_the_command_opens_the_page",
    "unmask report build/evaluation --out report.html": f"{REPORT}::test_the_command_renders_a_finished_folder",
    "unmask compare HEAD build/evaluation": f"{COMPARISON}::test_a_revision_gives_what_it_had",
    "unmask monitor --state var --hours 24": f"{MONITOR}::test_the_exit_status_says_what_was_decided",
    "unmask ingest PATH": f"{REPRO}::test_two_batches_were_taken_in",
    "unmask ingest PATH --dry-run": f"{CLI}::test_a_dry_run_lists_and_writes_nothing",
    "unmask forget --source newsroom --group person-17 --yes": f"{CLI}::test_forgetting_says_what_else_to_purge",
}


def commands_of(page: Path) -> list[str]:
    blocks = re.findall(r"^```bash\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_every_command_of_the_pages_is_run_by_a_test():
    written = {command for page in PAGES for command in commands_of(page)}
    assert written - RUN_HERE.keys() == RUN_ELSEWHERE.keys()


@pytest.mark.parametrize("command", RUN_HERE)
def test_a_cheap_command_ends_well(command):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(
        shlex.split(command), cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert RUN_HERE[command] in ended.stdout + ended.stderr


@pytest.mark.parametrize("command", RUN_ELSEWHERE)
def test_a_dear_command_has_its_test(command):
    file, what = RUN_ELSEWHERE[command].split("::")
    if file == __name__:
        assert what in RUN_HERE
    else:
        lines = (PROJECT / file).read_text().splitlines()
        assert any(line.startswith((f"def {what}(", f"{what} ")) for line in lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
