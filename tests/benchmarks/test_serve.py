"""What the benchmark of the service measures with; its figures are for people to judge and are never tested."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from benchmarks.serve import load
from benchmarks.serve.floor import Floor
from benchmarks.serve.load import Measured
from benchmarks.serve.measure import Cell, Level, cell_of, check_same
from benchmarks.serve.peers.fastapi_torch import STUDENT, create_app
from benchmarks.serve.pictures import SIDES_PX, write_pictures
from benchmarks.serve.report import figures, medians, ratios
from benchmarks.serve.server import running
from benchmarks.serve.sides import BENTO, FACES, OURS, TORCH, create_side
from benchmarks.serve.soak import Soak, soak
from tests.serving.conftest import write_bundle
from unmask.errors import DataError, UnmaskError
from unmask.models.detector import save_detector

ONE, MANY = Level(32, 1), Level(4, 32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packaged") / "bundle"
    write_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    return write_pictures(folder, count=7, source=None, dataset=folder)


def cell(side: str, level: Level = ONE, rate: float = 100.0, p99_ms: float = 50.0, refused: int = 0) -> Cell:
    return Cell(side, level, rate, p50_ms=10.0, p95_ms=20.0, p99_ms=p99_ms, refused=refused, load_cores=0.1)


def test_pictures_have_all_sides_and_are_the_same_each_time(pictures, tmp_path):
    sizes = [Image.open(path).size for path in pictures]
    assert sizes == [(side, side) for side in (*SIDES_PX, SIDES_PX[0])]
    again = write_pictures(tmp_path, count=7, source=None, dataset=tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in pictures]


def test_pictures_are_made_of_those_of_a_folder(tmp_path):
    (tmp_path / "source").mkdir()
    Image.new("RGB", (30, 20), "red").save(tmp_path / "source/a.png")
    for path in write_pictures(tmp_path, count=2, source=tmp_path / "source", dataset=tmp_path):
        red, green, blue = Image.open(path).getpixel((100, 100))
        assert red > 250
        assert max(green, blue) < 5


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(DataError, match="holds no picture"):
        write_pictures(tmp_path, count=2, source=tmp_path, dataset=tmp_path)


def test_a_request_holds_its_files_and_says_how_long_it_is(pictures):
    made = load.bodies(pictures, port=80, pictures=3)
    head, _, body = made[1].partition(b"\r\n\r\n")
    assert len(made) == 3
    assert f"Content-Length: {len(body)}".encode() in head
    assert [path.read_bytes() in body for path in pictures] == [False] * 3 + [True] * 3 + [False]
    # Files run on from the first where there are too few.
    assert pictures[1].read_bytes() in made[2]


async def answering(status: int, plan: load.Plan, clients: int = 2) -> Measured:
    """What clients measure of a server that answers everything with STATUS."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line == b"\r\n":
                writer.write(b"HTTP/1.1 %d x\r\ncontent-length: 2\r\n\r\n[]" % status)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await load.run(port, [b"POST / HTTP/1.1\r\n\r\n"], clients=clients, plan=plan)


def test_the_load_sends_as_many_requests_as_asked():
    measured = asyncio.run(answering(200, load.Plan(0.0, 1e12, requests=9)))
    assert (len(measured.latencies_s), measured.answered, measured.refused) == (9, 9, Counter())
    assert min(measured.latencies_s) > 0


def test_a_refused_request_is_no_answer():
    measured = asyncio.run(answering(429, load.Plan(0.0, 1e12, requests=9)))
    assert (measured.latencies_s, measured.answered, measured.refused) == ([], 0, Counter({429: 9}))


def test_what_is_sent_before_the_clock_starts_does_not_count():
    measured = asyncio.run(answering(200, load.Plan(1e12, 2e12, requests=9)))
    assert (measured.latencies_s, measured.answered) == ([], 0)


def test_percentiles_and_rate_of_a_cell():
    measured = Measured([number / 1000 for number in range(101)], answered=50, refused=Counter({429: 3}), seconds=2.0)
    found = cell_of(OURS, ONE, measured)
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == pytest.approx((50.0, 95.0, 99.0))
    assert (found.rate, found.refused) == (25.0, 3)


def test_a_side_that_never_answers_is_an_error():
    with pytest.raises(UnmaskError, match=r"service, 32 x 1: no request was answered .*503"):
        cell_of(OURS, ONE, Measured(refused=Counter({503: 8}), seconds=1.0))


def test_the_middle_round_counts_and_every_refusal():
    found = medians([cell(OURS, rate=rate, refused=1) for rate in (300.0, 100.0, 110.0)] + [cell(TORCH)])
    assert [(each.side, each.rate, each.refused) for each in found] == [(OURS, 110.0, 3), (TORCH, 100.0, 0)]
    assert "| 32 x 1 | service | 110 | 10.0 | 20.0 | 50.0 | 3 | 0.10 |" in figures(found)


def test_ratios_are_against_the_floor_and_the_faster_peer():
    cells = [
        *(cell(OURS, rate=300.0, p99_ms=40.0), cell(TORCH, rate=100.0, p99_ms=50.0)),
        *(cell(BENTO, rate=200.0, p99_ms=100.0), cell(FACES, rate=30.0)),
        *(cell(OURS, MANY, rate=10.0), cell(BENTO, MANY, rate=5.0)),
    ]
    found = {row.what: (row.ratio, row.aim, row.note) for row in ratios(cells, 400.0)}
    assert found == {
        "32 x 1: pictures/s / floor": (0.75, "0.5", ""),
        "32 x 1: requests/s / better peer": (1.5, "1.2", BENTO),
        "32 x 1: p99 ms / that peer": (0.4, "under 0.5", BENTO),
        "32 x 1: requests/s with faces on / off": (0.1, "", ""),
        "4 x 32: pictures/s / floor": (0.8, "0.8", ""),
        "4 x 32: requests/s / better peer": (2.0, "1.2", BENTO),
        "4 x 32: p99 ms / that peer": (1.0, "", BENTO),
    }


def test_a_side_that_judges_otherwise_is_not_measured():
    check_same(TORCH, [0.5, 0.1], [0.5004, 0.1])
    for said in ([0.6, 0.1], [None, 0.1]):
        with pytest.raises(UnmaskError, match="away from the floor's"):
            check_same(TORCH, said, [0.5, 0.1])


def test_the_slope_of_memory_leaves_out_the_first_tenth():
    assert Soak([0, 10, 20, 30], [5, 100, 120, 140]).slope() == pytest.approx(2.0)


def test_the_floor_infers_every_picture(bundle, pictures):
    floor = Floor(bundle, pictures, threads=2)
    assert len(floor.probabilities()) == len(pictures)
    assert floor.rate(batch=4, seconds=0.05) > 0


def test_the_service_keeps_what_it_keeps_in_a_folder_of_the_benchmark(bundle, tmp_path):
    side = create_side(FACES, bundle=bundle, student=tmp_path, scratch=tmp_path)
    assert side.environment["UNMASK_SERVING_FACES"] == "mediapipe"
    assert side.environment["UNMASK_SERVING_STATE"].startswith(str(tmp_path))


def test_the_peer_in_torch_judges_each_picture_of_a_request(bundle, pictures, tmp_path, tiny_detector, monkeypatch):
    save_detector(tmp_path, tiny_detector, {})
    monkeypatch.setenv(STUDENT, str(tmp_path))
    monkeypatch.setenv("UNMASK_BUNDLE", str(bundle))
    with TestClient(create_app()) as client:
        said = [
            client.post("/predict", files=[("images", path.open("rb")) for path in asked]).json()
            for asked in (pictures, pictures[:1])
        ]
    assert len(said[0]) == len(pictures)
    assert said[1] == pytest.approx(said[0][:1], abs=1e-6)


@pytest.mark.timeout(600)
def test_the_command_measures_every_side_it_is_asked_for(bundle, project, tmp_path):
    kept = tmp_path / "figures.json"
    options = ("--smoke", "--only", BENTO, "--bundle", str(bundle), "--json", str(kept))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serve", *options], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(kept.read_text())
    assert [each["side"] for each in said["cells"]] == [OURS, BENTO, OURS, BENTO]
    assert len(said["ratios"]) == 6
    assert said["bytes"] == {"bundle": sum(path.stat().st_size for path in bundle.iterdir())}
    assert f"| 2 x 1 | {OURS} | " in done.stdout


ANSWER_ALL = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response({status})
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_POST(self):
        self.do_GET()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def test_memory_is_watched_over_many_requests(pictures, tmp_path, project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setattr("benchmarks.serve.soak.TENTHS", 2)
    command = (sys.executable, "-c", ANSWER_ALL.replace("{status}", "200"), "{port}")
    with running(command, log=tmp_path / "log") as server:
        found = soak(server, pictures[0].parent, requests=40)
    assert found.requests == [0, 20, 40]
    assert all(held > 5e6 for held in found.memory)
    assert str(found).startswith("40 requests; MB held before")
    assert not server.process.is_running()


def test_a_service_that_ends_is_an_error_with_its_last_words(tmp_path):
    command = (sys.executable, "-c", "raise SystemExit('no model')")
    with pytest.raises(UnmaskError, match="did not serve: no model"), running(command, log=tmp_path / "log"):
        pass
