import dataclasses

import pytest
import yaml

from unmask.config import load_config
from unmask.errors import ConfigError
from unmask.service_settings import PREFIX, Serving, ServingLimits, load_serving, params_file


@pytest.fixture
def params(project, tmp_path):
    """A params.yaml with the project's section, to be changed."""
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"serving": yaml.safe_load((project / "params.yaml").read_text())["serving"]}))
    return path


def test_it_reads_what_the_pipelines_config_reads(project):
    assert load_serving(project / "params.yaml", {}) == load_config(project).serving


def test_the_file_is_that_of_the_current_folder(project, monkeypatch):
    monkeypatch.chdir(project)
    assert params_file().resolve() == project / "params.yaml"


@pytest.mark.parametrize(
    ("name", "text", "place", "value"),
    [
        ("WORKERS", "0", "workers", 0),
        ("FACES", "mediapipe", "faces", "mediapipe"),
        ("ORIGINS", "[https://desk.example.org]", "origins", ["https://desk.example.org"]),
        ("TOKEN_FILE", "", "token_file", ""),
        ("TRAFFIC_LOG", "false", "traffic_log", False),
        ("POLL_S", "2", "poll_s", 2.0),
        ("LIMITS_PICTURES", "4", "limits.pictures", 4),
        ("LIMITS_DECODING_MEGAPIXELS", "12.5", "limits.decoding_megapixels", 12.5),
    ],
)
def test_the_environment_comes_before_the_file(params, name, text, place, value):
    said = load_serving(params, {PREFIX + name: text, "PATH": "/bin"})
    for key in place.split("."):
        said = getattr(said, key)
    assert said == value


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("THREAD", "1", r"UNMASK_SERVING_THREAD: no such setting; there are .*UNMASK_SERVING_THREADS"),
        ("THREADS", "two", r"serving\.threads: must be int"),
        ("THREADS", "[", r"UNMASK_SERVING_THREADS: '\[' is no value"),
        ("THREADS", "-1", r"serving\.threads \(UNMASK_SERVING_THREADS\): must be at least 0, got -1"),
        ("BATCH", "0", r"serving\.batch \(UNMASK_SERVING_BATCH\): must be above 0, got 0"),
        ("FACES", "opencv", r"serving\.faces \(UNMASK_SERVING_FACES\): must be none or mediapipe, got 'opencv'"),
        ("CAPTURE", "all", r"must be none or uncertain, got 'all'"),
        ("LIMITS_TIMEOUT_S", "0", r"serving\.limits\.timeout_s \(UNMASK_SERVING_LIMITS_TIMEOUT_S\): must be above 0"),
        ("LIMITS_TIMEOUT_S", ".nan", r"must be above 0, got nan"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(params, name, text, complaint):
    with pytest.raises(ConfigError, match=complaint):
        load_serving(params, {PREFIX + name: text})


@pytest.mark.parametrize("limit", [field.name for field in dataclasses.fields(ServingLimits)])
def test_no_limit_may_be_zero(project, limit):
    limits = load_serving(project / "params.yaml", {}).limits
    with pytest.raises(ConfigError, match=rf"serving\.limits\.{limit} .*above 0"):
        dataclasses.replace(limits, **{limit: 0})


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Serving)])
def test_a_missing_key_is_named(params, field):
    section = yaml.safe_load(params.read_text())["serving"]
    del section[field]
    params.write_text(yaml.safe_dump({"serving": section}))
    with pytest.raises(ConfigError, match=rf"serving\.{field}: missing"):
        load_serving(params, {})


def test_a_missing_section_of_limits_is_named(params):
    section = yaml.safe_load(params.read_text())["serving"]
    del section["limits"]
    params.write_text(yaml.safe_dump({"serving": section}))
    with pytest.raises(ConfigError, match=r"serving\.limits: missing"):
        load_serving(params, {PREFIX + "LIMITS_PICTURES": "4"})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "not found; run from the project's root"),
        (b"a: [", "while parsing a flow node"),
        (b"\xff\xfe\x00", "utf-8"),
        (b"a: 1", "serving: missing"),
        (b"serving: 1", "serving: missing"),
        (b"", "serving: missing"),
    ],
)
def test_a_file_without_the_section_is_one_line(tmp_path, text, complaint):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_serving(path, {})
    assert "\n" not in str(caught.value)
