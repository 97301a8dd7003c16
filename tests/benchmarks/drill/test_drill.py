"""The drill with real servers on a stand-in pipeline, whose next model is a better one."""

import shutil
from datetime import UTC, datetime
from io import BytesIO

import pytest
from PIL import Image

from benchmarks.drill.drill import CALM_WINDOWS, Settings, run
from benchmarks.drill.report import figures, lines, write
from benchmarks.drill.servers import Loop
from benchmarks.drill.stage import clone, stage_champion
from benchmarks.drill.traffic import Plan
from tests.benchmarks.drill.made import material, picture
from unmask.console import say
from unmask.files import read_json
from unmask.monitoring.reference import Reference, reference_path, write_reference
from unmask.monitoring.window import rows_of_traffic
from unmask.registry.promotion import champion
from unmask.serving.picture_quality import measure_quality
from unmask.serving.runtime import Runtime
from unmask.serving.traffic import TrafficRow
from unmask.serving.traffic import project as projected

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
SETTINGS = Settings(
    plan=Plan(rate=15.0, calm=150, rise=0, peak=0.6),
    loop=Loop(labels=11, hours=0.1),
    reports=12,
    alarm_minutes=6.0,
    promotion_minutes=6.0,
    seed=1,
    look_seconds=0.0,
)


def logged(runtime: Runtime, name: str, data: bytes) -> TrafficRow:
    """What the service would log of a picture."""
    opened = Image.open(BytesIO(data))
    answer = runtime.predict([opened])[0]
    row = TrafficRow(
        id=f"{name}-0",
        time=datetime.now(UTC),
        route="/predict",
        model_version=runtime.bundle.version,
        data_hash="abc",
        probability=answer.p_fake,
        logit=answer.logit,
        verdict=answer.verdict,
        marginals=answer.attributes,
        quality=measure_quality(opened, size=opened.size, jpeg_quality=-1, encoded_bytes=len(data)),
        embedding=projected(answer.embedding),
    )
    return TrafficRow.from_json(row.to_json())  # the log rounds


@pytest.fixture
def stage(standin, project, tmp_path):
    """The stand-in project with the flows, cloned; its champion knows what usual traffic is."""
    shutil.copytree(project / "flows", standin.root / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / ".env.example", standin.root)
    standin.git("add", "--all")
    standin.git("commit", "--quiet", "--message", "flows")
    (tmp_path / "drill").mkdir()
    made = stage_champion(clone(standin.root, tmp_path / "drill", say), say)
    runtime = Runtime(made.bundle(made.champion))
    known = [picture(name, number) for number in range(20_000, 20_150) for name in ("camera", "swap")]
    rows = rows_of_traffic([logged(runtime, one.group, one.data) for one in known])
    write_reference(reference_path(made.state, made.champion), Reference(rows, made.champion, "abc"))
    return made


def test_the_loop_learns_of_the_newcomer_by_itself(stage, standin, tmp_path):
    (tmp_path / "logs").mkdir()
    sample = material(usual=300, new=120, held_out=40)
    outcome = run(stage, sample, SETTINGS, tmp_path / "logs")
    assert not outcome.failure
    found = figures(outcome, sample, rate=0.05, seed=1, minutes=(1.0, 1.0))
    write(tmp_path / "out", found, outcome)
    assert found.lost == 0
    assert found.labels == 12
    assert found.labels_by_generator == {"newcomer": 12}
    assert found.minutes_to_alarm < found.minutes_to_promotion
    assert {one.model for one in outcome.sent} == {stage.champion, outcome.after.model}
    assert champion(stage.root).model == outcome.after.model
    assert champion(standin.root) is None, "the project itself has no version yet"
    assert found.calm_windows >= CALM_WINDOWS
    assert not {one.picture.name for one in outcome.sent} & {one.name for one in sample.held_out}
    # Both models rank pictures alike, by brightness; the challenger is sure of none.
    assert found.recall_before == 1.0
    newcomer, swap = found.changes
    assert (newcomer.generator, swap.generator) == ("newcomer", "swap")
    assert newcomer.recall == swap.recall == (1.0, 1.0)
    assert newcomer.own == (0.0, 0.0)
    assert swap.own[0] > 0.9
    assert swap.own[1] == 0.0
    assert not found.met, "it was known before"
    told = read_json(tmp_path / "out/drill.json")
    assert told["requests_to_alarm"] == found.requests_to_alarm
    assert (tmp_path / "out/drill.png").stat().st_size > 1000
    assert any("requests lost | 0 of" in line for line in lines(found))
