"""The gate: a Great Expectations suite over the manifest and over the one-row summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import pyarrow as pa
from great_expectations.data_context.types.base import ProgressBarsConfig

from unmask.config import Validate
from unmask.data.audit.facts import Facts
from unmask.data.manifest import LABELS, MANIFEST_COLUMNS, MANIFEST_SCHEMA, SPLITS

MOST_CULPRITS = 50
HARD, SOFT = "critical", "warning"
ASSOCIATION = "association_"
# Counts that must be 0: name -> title.
ZERO = {
    HARD: {
        "missing_crops": "every crop and mask is in its shard",
        "unreadable_crops": "sampled crops decode to the size of their row",
        "masks_of_other_size": "every mask has the size of its crop",
        "rows_of_groups_in_two_splits": "no group stands in two splits",
        "near_duplicates_across_splits": "no near-duplicates stand in two splits",
        "unseen_generators_outside_test": "unseen generators occur in test only",
        "forged_reals": "reals come from no known forger",
        "fakes_without_generator": "every fake names its generator",
        "hidden_labels_shown": "no hidden label reaches the trainer",
        "visible_rows_without_labels": "every visible row has a label vector",
        "held_out_rows_with_hidden_label": "validation and test rows show their label",
        "forgeries_of_wrong_rows": "forgeries come from labelled training reals only",
        "illegal_targets": "every label vector fits a legal state",
        "reals_with_attributes": "label vectors of reals are all zero",
        "fakes_without_root": "label vectors of fakes say fake",
    },
    SOFT: {
        "opposed_near_duplicates": "near-duplicates of opposite label are original and forgery",
        "fakes_of_unknown_generators": "the label table knows every generator",
        "lopsided_sources": "reals and fakes are balanced in each source",
        "uniform_classes": "no class is told by its one size or format",
        "quarantined_sources": "few pictures of each source in quarantine",
    },
}
HISTORY_TITLES = {
    "quantisation": "quantisation tables",
    "subsampling": "chroma subsampling",
    "mode": "colour mode",
    "profile": "colour profile",
}
# Great Expectations can't compare lists; read_manifest has checked these.
LISTS = [each.name for each in MANIFEST_SCHEMA if pa.types.is_list(each.type)]


@dataclass(frozen=True)
class Outcome:
    """One expectation's result.

    `culprits` are image_ids, at most MOST_CULPRITS of `failing`; `named` are sentences on sources, generators or shards
    where rows alone don't say it; `key` is the setting of params.yaml that holds the bound, or empty where it is fixed.
    What could not be measured has not passed, and `unmeasured` says why, else "".
    """

    name: str
    title: str
    hard: bool
    passed: bool
    observed: float | None
    bounds: tuple[float | None, float | None]
    key: str
    failing: int
    culprits: tuple[str, ...]
    named: tuple[str, ...]
    unmeasured: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON."""
        lists = {name: list(getattr(self, name)) for name in ("bounds", "culprits", "named")}
        return {**self.__dict__, **lists}


def run_suite(rows: pd.DataFrame, facts: Facts, settings: Validate) -> list[Outcome]:
    """Validate manifest rows and facts; outcomes in the order of the suite, hard ones first."""
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    outcomes = []
    of_summary, of_rows = summary_expectations(settings, list(facts.numbers)), row_expectations()
    for name, frame, expectations in (
        ("summary", facts.frame(), of_summary),
        ("manifest", rows.drop(columns=LISTS), of_rows),
    ):
        result = _run(context, name, frame, expectations)
        outcomes += [_outcome(entry, facts) for entry in result["results"]]
    order = {e.meta["name"]: n for n, e in enumerate([*of_summary, *of_rows])}
    return sorted(outcomes, key=lambda outcome: (not outcome.hard, order[outcome.name]))


def summary_expectations(settings: Validate, numbers: Sequence[str]) -> list[Any]:
    """Bounds on the columns of the one-row summary; NUMBERS are their names."""
    return [
        *(_bound(name, title, kind, high=0) for kind, titles in ZERO.items() for name, title in titles.items()),
        *_size_expectations(settings),
        *_growth_expectations(settings),
        *_shortcut_expectations(settings, [name for name in numbers if name.startswith(ASSOCIATION)]),
    ]


def _size_expectations(settings: Validate) -> list[Any]:
    return [
        _bound("rows", "enough rows", HARD, low=settings.min_rows, key="min_rows"),
        _bound("training_reals", "labelled reals to train on", HARD, low=1),
        _bound("training_fakes", "fakes to train on", HARD, low=1),
        _bound(
            "validation_reals",
            "enough validation reals",
            HARD,
            low=settings.min_validation_reals,
            key="min_validation_reals",
        ),
        _bound("validation_fakes", "fakes to validate on", HARD, low=1),
        _bound(
            "quarantined_fraction",
            "few pictures in quarantine",
            HARD,
            high=settings.max_quarantined_fraction,
            key="max_quarantined_fraction",
        ),
        _bound("test_reals", "reals to test on", SOFT, low=1),
        _bound("test_fakes", "fakes to test on", SOFT, low=1),
        _bound(
            "class_share", "reals and fakes are balanced", SOFT, low=settings.min_class_share, key="min_class_share"
        ),
    ]


def _growth_expectations(settings: Validate) -> list[Any]:
    lost, grown = "no source lost reals or fakes since the accepted version", "no source grew out of proportion"
    return [
        _bound("shrink", lost, HARD, high=settings.max_shrink, key="max_shrink"),
        _bound("growth", grown, SOFT, high=settings.max_growth, key="max_growth"),
    ]


def _shortcut_expectations(settings: Validate, associations: Sequence[str]) -> list[Any]:
    most, key = settings.max_label_association, "max_label_association"
    auc = "simple statistics do not give the label away"
    return [
        _bound("shortcut_auc", auc, SOFT, high=settings.max_shortcut_auc, key="max_shortcut_auc"),
        *(_bound(name, _independence(name), SOFT, high=most, key=key) for name in associations),
    ]


def _independence(name: str) -> str:
    what = name.removeprefix(ASSOCIATION)
    if what == "within_sources":
        return "label independent of format, size and quality within each source"
    return f"label independent of {HISTORY_TITLES.get(what, what)}"


def row_expectations() -> list[Any]:
    """What must hold for each row of the manifest."""
    row = {"severity": HARD}
    columns = [name for name in MANIFEST_COLUMNS if name not in LISTS]
    return [
        gxe.ExpectTableColumnsToMatchSet(
            column_set=columns, exact_match=False, meta=_meta("schema", "every column of the schema is there"), **row
        ),
        gxe.ExpectColumnValuesToBeUnique(column="image_id", meta=_meta("image_id", "image_id is unique"), **row),
        gxe.ExpectColumnValuesToMatchRegex(
            column="key", regex=r"^[\w.-]+\.zip/[0-9a-f]{16}\.png$", meta=_meta("key", "key names a crop"), **row
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="label", value_set=list(LABELS), meta=_meta("label", "label is known"), **row
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="split", value_set=list(SPLITS), meta=_meta("split", "split is known"), **row
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="phash", regex=r"^[0-9a-f]{16}$", meta=_meta("phash", "perceptual hash of 64 bits"), **row
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="group", regex=".", meta=_meta("group", "group is named"), **row),
        gxe.ExpectColumnValuesToBeBetween(
            column="width", min_value=16, meta=_meta("width", "crop at least 16 px wide"), **row
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="height", min_value=16, meta=_meta("height", "crop at least 16 px high"), **row
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="jpeg_quality", min_value=-1, max_value=100, meta=_meta("jpeg_quality", "JPEG quality"), **row
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="brightness",
            min_value=0.02,
            max_value=0.98,
            mostly=0.99,
            meta=_meta("brightness", "neither black nor white pictures"),
            severity=SOFT,
        ),
    ]


def _meta(name: str, title: str) -> dict[str, str]:
    return {"name": name, "title": title}


def _bound(
    name: str, title: str, severity: str, *, low: float | None = None, high: float | None = None, key: str = ""
) -> Any:
    meta = _meta(name, title) | {"key": f"validate.{key}" if key else ""}
    return gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high, meta=meta, severity=severity)


def _run(context: Any, name: str, frame: pd.DataFrame, expectations: list[Any]) -> dict[str, Any]:
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    suite = context.suites.add(gx.ExpectationSuite(name, expectations=expectations))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=asset.add_batch_definition_whole_dataframe("all"), suite=suite)
    )
    index = {"unexpected_index_column_names": ["image_id"]} if "image_id" in frame else {}
    checkpoint = gx.Checkpoint(
        name=name, validation_definitions=[definition], result_format={"result_format": "COMPLETE", **index}
    )
    result = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
    run: dict[str, Any] = next(iter(result.run_results.values())).to_json_dict()
    return run


def _outcome(entry: dict[str, Any], facts: Facts) -> Outcome:
    config, result = entry["expectation_config"], entry["result"]
    name, kwargs = config["meta"]["name"], config["kwargs"]
    rows = [row["image_id"] for row in result.get("unexpected_index_list") or [] if isinstance(row, dict)]
    culprits = facts.culprits.get(name, rows)
    missing = facts.missing.get(name, "")
    return Outcome(
        name=name,
        title=config["meta"]["title"],
        hard=config["severity"] == HARD,
        # Great Expectations lets a missing value pass.
        passed=bool(entry["success"]) and not missing,
        observed=None if missing else facts.numbers.get(name),
        bounds=(kwargs.get("min_value"), kwargs.get("max_value")),
        key=config["meta"].get("key", ""),
        failing=len(culprits),
        culprits=tuple(culprits[:MOST_CULPRITS]),
        named=(*facts.named.get(name, ()), *([f"not measured: {missing}"] if missing else [])),
        unmeasured=missing,
    )
