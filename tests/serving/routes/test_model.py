from starlette.testclient import TestClient

from unmask.serving.app import create_app
from unmask.serving.bundle import CARD, load_bundle
from unmask.serving.engine import Engine


def test_the_model_introduces_itself(client, shared_bundle):
    bundle = load_bundle(shared_bundle)
    answer = client.get("/model")
    said = answer.json()
    assert (said["model_version"], said["candidate"], said["precision"]) == (bundle.version, "student", "float32")
    assert (said["labels"], said["metrics"], said["data_note"]) == (bundle.graph.labels, bundle.metrics, "drawn")
    assert said["card"] == (shared_bundle / CARD).read_text(encoding="utf-8")
    assert (said["faces"], said["capture"]) == ("none", "none")
    assert said["provider"].endswith("ExecutionProvider")
    assert said["request_id"] == answer.headers["x-request-id"]


def test_the_card_is_that_of_the_model_that_answers_whatever_becomes_of_its_folder(serving, bundle_folder):
    card = (bundle_folder / CARD).read_text(encoding="utf-8")
    app = create_app(serving)
    app.state.engine = Engine(serving, bundle_folder)
    (bundle_folder / CARD).unlink()
    said = TestClient(app).get("/model")
    app.state.engine.close()
    assert (said.status_code, said.json()["card"]) == (200, card)


def test_a_caller_learns_that_pictures_may_be_kept(in_process):
    with in_process(capture="uncertain") as client:
        assert client.get("/model").json()["capture"] == "uncertain"


def test_both_thresholds_are_explained_with_their_rates(client):
    meanings = {name: each["meaning"] for name, each in client.get("/model").json()["thresholds"].items()}
    assert meanings["fake"].startswith("fake above it; meant for 2.0% of real pictures, and the 249 validation reals")
    assert "meant to miss 5.0% of fakes, and the 198 validation fakes promise at most 8.0%" in meanings["real"]
