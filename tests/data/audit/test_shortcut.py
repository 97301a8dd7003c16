import numpy as np
import pandas as pd
import pytest

from unmask.data.audit.association import binned, cramers_v
from unmask.data.audit.features import (
    CHROMA_FEATURES,
    PIXEL_FEATURES,
    chroma_features,
    pixel_features,
    radial_spectrum,
)
from unmask.data.audit.shortcut import POOLED, out_of_fold_auc, shortcut_audit


def table(count: int, *, shift: float = 0.0, sources: tuple[str, ...] = ("a",)) -> tuple[pd.DataFrame, pd.DataFrame]:
    """COUNT reals and COUNT fakes a source; features of fakes are shifted."""
    rows = pd.DataFrame(
        [
            {"source": source, "label": label, "generator": "gan" if label == "fake" else "camera", "labelled": True}
            for source in sources
            for label in ("real", "fake")
            for _ in range(count)
        ]
    )
    rows["group"] = [f"g{n}" for n in range(len(rows))]
    features = pd.DataFrame(np.random.default_rng(0).normal(size=(len(rows), 4)), rows.index)
    features[0] += shift * (rows["label"] == "fake")
    return rows, features


def test_a_shortcut_is_found():
    rows, features = table(60, shift=6.0)
    assert shortcut_audit(rows, features, features[[]])[0].auc == pytest.approx(1.0, abs=0.01)


def test_chance_is_a_half():
    rows, features = table(300)
    assert shortcut_audit(rows, features, features[[]])[0].auc == pytest.approx(0.5, abs=0.08)


def test_folds_go_by_group_so_that_a_memorised_person_does_not_help():
    # one feature names the person; a person is all real or all fake
    person = np.repeat(np.arange(40), 10)
    features = np.eye(40)[person]
    groups = np.array([f"p{n}" for n in person])
    fake = person % 2 == 0
    honest = out_of_fold_auc(features, fake, groups, seed=0)
    leaking = out_of_fold_auc(features, fake, np.array([str(n) for n in range(400)]), seed=0)
    assert honest == pytest.approx(0.5, abs=0.15)
    assert leaking == pytest.approx(1.0, abs=0.01)


def test_a_source_without_reals_is_set_against_the_named_reference():
    rows, features = table(30, sources=("a", "b"))
    synthetic = rows.index[(rows["source"] == "b") & (rows["label"] == "real")]
    rows, features = rows.drop(synthetic), features.drop(synthetic)
    found = {row.source: row for row in shortcut_audit(rows, features, features[[]], reference_source="a")}
    assert (found["b"].reference, found["b"].n_real) == ("a", 30)
    assert (found[POOLED].n_real, found[POOLED].n_fake) == (30, 60)


def test_hidden_labels_take_no_part():
    rows, features = table(30)
    rows.loc[rows.index[:5], "labelled"] = False
    assert shortcut_audit(rows, features, features[[]])[0].n_real == 25


def test_too_few_rows_give_no_number():
    rows, features = table(5, shift=9)
    assert shortcut_audit(rows, features, features[[]])[0].auc is None


def test_the_spectrum_of_white_noise_is_flat_and_of_a_wave_is_one_ring():
    noise = np.random.default_rng(0).normal(0, 20, (128, 128)).astype(np.float32)
    spectrum = radial_spectrum(noise)
    assert np.ptp(spectrum[1:]) < 0.6
    wave = np.sin(2 * np.pi * 0.25 * np.arange(128), dtype=np.float32)
    assert radial_spectrum(100 * np.tile(wave, (128, 1))).argmax() in {7, 8}


def test_pixel_features_are_finite_even_of_a_flat_picture():
    flat = np.full((40, 30, 3), 200, dtype=np.uint8)
    features = dict(zip(PIXEL_FEATURES, pixel_features(flat), strict=True))
    assert np.isfinite(list(features.values())).all()
    assert features["mean_g"] == pytest.approx(200)
    assert features["std_g"] == pytest.approx(0, abs=1e-3)


def test_cramers_v_is_one_for_a_rule_and_zero_for_chance():
    label = pd.Series(["real", "fake"] * 200)
    assert cramers_v(label, label.map({"real": "JPEG", "fake": "PNG"})) == pytest.approx(1.0, abs=0.01)
    assert cramers_v(label, pd.Series(np.random.default_rng(0).choice(["JPEG", "PNG"], 400))) < 0.12
    assert cramers_v(label, pd.Series(["JPEG"] * 400)) == 0


def test_numbers_become_quantile_bins():
    assert binned(pd.Series(range(100))).value_counts().tolist() == [20] * 5
    assert binned(pd.Series([75, 95, 75])).nunique() == 2


def test_an_error_of_colour_shows_with_the_chroma_residual_only():
    rows, features = table(100)
    noise = pd.DataFrame(
        {"cb_log_noise": np.random.default_rng(0).normal(size=len(rows)) + 4.0 * (rows["label"] == "fake")}, rows.index
    )
    found = shortcut_audit(rows, features, noise)[0]
    assert found.auc == pytest.approx(0.5, abs=0.12)
    assert found.auc_with_chroma == pytest.approx(1.0, abs=0.02)


def test_chroma_features_see_colour_noise_that_luma_does_not():
    grey = np.full((64, 64, 1), 128.0)
    noise = np.random.default_rng(0).normal(0, 20, (64, 64, 1))
    blue = grey + noise * np.array([0.0, -0.344136, 1.772])  # inverse BT.601: Cb alone
    crop = blue.clip(0, 255).round().astype(np.uint8)
    seen = dict(zip(CHROMA_FEATURES, chroma_features(crop), strict=True))
    light = dict(zip(PIXEL_FEATURES, pixel_features(crop), strict=True))
    assert seen["cb_log_noise"] > light["log_sharpness"] + 4
    assert seen["cb_log_noise"] > seen["cr_log_noise"] + 4
