import dataclasses
import importlib.util
import threading

import pytest

from unmask.errors import ConfigError, DataError
from unmask.serving.build import describe
from unmask.serving.bundle import load_bundle
from unmask.serving.loading import check_loading


def test_a_check_leaves_no_thread_and_no_file(serving, shared_bundle, tmp_path):
    before = set(threading.enumerate())
    check_loading(dataclasses.replace(serving, poll_s=0.01), shared_bundle)
    assert set(threading.enumerate()) <= before  # one of an earlier test may end meanwhile
    assert not (tmp_path / "state").exists()


def test_a_bundle_without_a_margin_is_refused_where_faces_are_cut(serving, bundle_folder):
    bundle = load_bundle(bundle_folder)
    describe(bundle_folder, dataclasses.replace(bundle, params={**bundle.params, "assemble": {"clip_frames": 4}}))
    check_loading(serving, bundle_folder)
    with pytest.raises(DataError, match=r"assemble\.faces\.margin is missing"):
        check_loading(dataclasses.replace(serving, faces="mediapipe"), bundle_folder)


def test_a_bundle_without_the_frames_of_clips_is_refused(serving, bundle_folder):
    bundle = load_bundle(bundle_folder)
    describe(bundle_folder, dataclasses.replace(bundle, params={**bundle.params, "assemble": {}}))
    with pytest.raises(DataError, match="clip_frames"):
        check_loading(serving, bundle_folder)


def test_the_extra_of_faces_is_asked_for(serving, shared_bundle, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the extra `faces`"):
        check_loading(dataclasses.replace(serving, faces="mediapipe"), shared_bundle)
