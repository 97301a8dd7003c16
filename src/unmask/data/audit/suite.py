"""The gate: a Great Expectations suite over the manifest and over the one-row summary."""

from dataclasses import dataclass
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig

from unmask.config import Validate
from unmask.data.audit.facts import Facts
from unmask.data.manifest import LABELS, SPLITS

MOST_CULPRITS = 50
HARD, SOFT = "critical", "warning"
ZERO = {
    "rows_of_groups_in_two_splits": "no group stands in two splits",
    "near_duplicates_across_splits": "no near-duplicates stand in two splits",
    "unseen_generators_outside_test": "unseen generators occur in test only",
    "hidden_labels_shown": "no hidden label reaches the trainer",
    "visible_rows_without_labels": "every visible row has a label vector",
    "held_out_rows_with_hidden_label": "validation and test rows show their label",
    "forgeries_of_wrong_rows": "forgeries come from labelled training reals only",
    "illegal_targets": "every label vector fits a legal state",
}


@dataclass(frozen=True)
class Outcome:
    """One expectation's result.

    `culprits` are image_ids, at most MOST_CULPRITS of `failing`; `key` is the setting of params.yaml that holds its
    bound, or empty where the bound is fixed.
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

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON."""
        return {**self.__dict__, "bounds": list(self.bounds), "culprits": list(self.culprits)}


def run_suite(rows: pd.DataFrame, facts: Facts, settings: Validate) -> list[Outcome]:
    """Validate manifest rows and facts; outcomes in the order of the suite, hard ones first."""
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    outcomes = []
    for name, frame, expectations in (
        ("summary", facts.frame(), summary_expectations(settings)),
        ("manifest", rows.drop(columns=["landmarks"]), row_expectations()),
    ):
        result = _run(context, name, frame, expectations)
        outcomes += [_outcome(entry, facts) for entry in result["results"]]
    order = {e.meta["name"]: n for n, e in enumerate([*summary_expectations(settings), *row_expectations()])}
    return sorted(outcomes, key=lambda outcome: (not outcome.hard, order[outcome.name]))


def summary_expectations(settings: Validate) -> list[Any]:
    """Bounds on the columns of the one-row summary."""
    zero = [_bound(name, title, HARD, high=0) for name, title in ZERO.items()]
    return [
        *zero,
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
            "shortcut_auc",
            "simple statistics do not give the label away",
            SOFT,
            high=settings.max_shortcut_auc,
            key="max_shortcut_auc",
        ),
        *(
            _bound(
                f"association_{what}",
                f"label independent of {what}",
                SOFT,
                high=settings.max_label_association,
                key="max_label_association",
            )
            for what in ("format", "size", "quality")
        ),
    ]


def row_expectations() -> list[Any]:
    """What must hold for each row of the manifest."""
    row = {"severity": HARD}
    return [
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
    return Outcome(
        name=name,
        title=config["meta"]["title"],
        hard=config["severity"] == HARD,
        passed=bool(entry["success"]),
        observed=facts.numbers.get(name),
        bounds=(kwargs.get("min_value"), kwargs.get("max_value")),
        key=config["meta"].get("key", ""),
        failing=len(culprits),
        culprits=tuple(culprits[:MOST_CULPRITS]),
    )
