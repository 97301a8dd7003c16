import json
import re
from dataclasses import replace

import pytest

from unmask.errors import DataError
from unmask.serving.build import draw_pictures, folder_in_place
from unmask.serving.bundle import SelfTest, load_bundle, model_version


def edit(folder, change):
    path = folder / "bundle.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_bundle_reads_back_as_it_was_written(bundle_folder):
    bundle = load_bundle(bundle_folder)
    assert json.loads((bundle_folder / "bundle.json").read_text()) == json.loads(bundle.to_json())


def test_the_version_names_the_model_the_data_and_the_thresholds(bundle_folder):
    bundle = load_bundle(bundle_folder)
    model, data, fitted = bundle.files["model.onnx"], bundle.data.md5, bundle.calibration
    assert re.fullmatch("[0-9a-f]{12}", bundle.version)
    assert bundle.version == model_version(model, data, fitted)
    others = [
        model_version("another model", data, fitted),
        model_version(model, "other data", fitted),
        model_version(model, data, replace(fitted, temperature=1.5)),
        model_version(model, data, replace(fitted, thresholds=replace(fitted.thresholds, fake=0.9))),
        model_version(model, data, replace(fitted, thresholds=replace(fitted.thresholds, real=0.2))),
    ]
    assert len({bundle.version, *others}) == 6


def test_the_folder_holds_only_what_the_bundle_names(bundle_folder):
    names = {path.name for path in bundle_folder.iterdir()}
    assert names == {"bundle.json", *load_bundle(bundle_folder).files}


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors", "CARD.md"])
def test_a_changed_file_is_refused_by_name(bundle_folder, name):
    with (bundle_folder / name).open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(DataError, match=f"{re.escape(name)}: changed since it was packaged"):
        load_bundle(bundle_folder)


def test_a_missing_file_is_refused_by_name(bundle_folder):
    (bundle_folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"model\.safetensors: missing"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda value: value.update(schema=3), "schema 3 instead of 2"),
        (lambda value: value.update(surprise=1), "surprise: unknown key"),
        (lambda value: value.pop("prompts"), "prompts: missing"),
        (lambda value: value["graph"].update(labels=[1]), r"graph\.labels\[0\]: must be str"),
        (lambda value: value["calibration"].update(temperature="2"), r"calibration\.temperature: must be float"),
        (lambda value: value["calibration"].update(temperature=0), r"calibration\.temperature: must be above 0"),
        (lambda value: value["calibration"]["thresholds"].update(real=0.9), "must rise"),
        (lambda value: value["preprocessing"].update(shrink=1), r"preprocessing\.shrink: must be bool"),
        (lambda value: value.update(candidate="cousin"), "candidate: must be student or teacher"),
        (lambda value: value["data"].update(md5="other"), "belongs to another model, other data or other"),
        (lambda value: value["calibration"].update(temperature=1.5), "other thresholds; package the model again"),
        (lambda value: value["calibration"]["thresholds"].update(fake=0.9), "other thresholds"),
        (lambda value: value.update(self_test=[]), "self_test: empty"),
        (lambda value: value["files"].pop("model.onnx"), r"files: model\.onnx is missing"),
        (lambda value: value["files"].update({"../out": "0"}), "missing from the bundle"),
    ],
)
def test_a_wrong_description_is_refused_in_one_line(bundle_folder, change, said):
    edit(bundle_folder, change)
    with pytest.raises(DataError, match=said) as caught:
        load_bundle(bundle_folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"schema": NaN}', "\N{SNOWMAN}", "9" * 5000])
def test_a_description_that_is_no_object_is_refused(bundle_folder, text):
    (bundle_folder / "bundle.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"bundle\.json"):
        load_bundle(bundle_folder)


def test_a_folder_without_bundle_is_refused_with_the_way_on(tmp_path):
    with pytest.raises(DataError, match="dvc repro package"):
        load_bundle(tmp_path)


def test_a_drawn_picture_survives_the_bundle():
    picture = draw_pictures(1, smallest=24, largest=60, seed=3)[0]
    assert SelfTest.of(picture, 0.5).picture().tobytes() == picture.tobytes()


def test_drawn_pictures_take_every_path_of_the_preprocessing():
    sizes = [picture.size for picture in draw_pictures(4, smallest=24, largest=60, seed=3)]
    assert min(min(size) for size in sizes) == 24
    assert max(max(size) for size in sizes) == 60
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)


def test_drawn_pictures_are_the_same_every_time():
    first, second = (draw_pictures(2, smallest=24, largest=60, seed=3) for _ in range(2))
    assert [picture.tobytes() for picture in first] == [picture.tobytes() for picture in second]


def test_a_folder_takes_its_place_only_when_whole(tmp_path):
    target = tmp_path / "bundle"
    with folder_in_place(target) as fresh:
        (fresh / "old").touch()

    with pytest.raises(DataError), folder_in_place(target) as fresh:  # noqa: PT012
        (fresh / "new").touch()
        raise DataError("no")
    assert [path.name for path in tmp_path.rglob("*")] == ["bundle", "old"]


def test_a_folder_replaces_the_one_before(tmp_path):
    for name in ("old", "new"):
        with folder_in_place(tmp_path / "bundle") as fresh:
            (fresh / name).touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["bundle", "new"]


def test_the_card_warns_of_the_drawn_sample(bundle_folder):
    card = (bundle_folder / "CARD.md").read_text()
    assert card.splitlines()[2] == "> **drawn**"


def test_the_card_gives_metrics_with_their_intervals(bundle_folder):
    card = (bundle_folder / "CARD.md").read_text()
    assert "| auc | 0.900 | 0.850 to 0.940 | 240 | 200 |" in card
    assert "intervals hold with 90 % over resampled groups" in card
