"""Training logs of other tools: Weights & Biases exports and Trainer states."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.names import FAMILY, LOSS, PARAMS, RUN, TOKENS
from bayeslaw.runs.cells import is_missing, to_numbers
from bayeslaw.runs.files import existing_file, read_raw
from bayeslaw.runs.limits import read_document
from bayeslaw.runs.load import from_frame
from bayeslaw.runs.problems import Problem, listed, refuse
from bayeslaw.runs.quantities import parse_quantity, shown
from bayeslaw.runs.table import Runs
from bayeslaw.runs.tidy import ROWS_OF_FILE

Quantity = float | str

_AXES = ("step", "_step", "tokens", "n_tokens", "tokens_seen", "train_tokens", "num_tokens")
_SKIP = ("__MIN", "__MAX")
_ASSEMBLED = "row 1 is the first logged loss"


def load_wandb(
    path: str | Path,
    *,
    params: Quantity | Mapping[str, Quantity],
    family: str | Mapping[str, str],
    tokens_per_step: Quantity | Mapping[str, Quantity] | None = None,
    metric: str | None = None,
    loss_unit: str = "nats",
    bytes_per_token: float | None = None,
) -> Runs:
    """Load a chart exported by Weights & Biases as CSV: one column per run.

    Parameters
    ----------
    path
        CSV with a ``Step`` (or tokens) column and columns ``run-name - val/loss``; the
        ``__MIN`` and ``__MAX`` columns are left out.
    params
        Parameter count, one for all runs or by run name.
    family
        Family label, one for all runs or by run name.
    tokens_per_step
        Training tokens per step, one for all runs or by run name; not needed when the
        first column counts tokens.
    metric
        Metric to read, such as ``val/loss``, when the file holds several.
    loss_unit, bytes_per_token
        As in `load_runs`.

    Returns
    -------
    Runs
        Every logged loss is a row; step 0 has seen no tokens and is left out.

    Raises
    ------
    RunsError
        When a run has no parameter count or the file is not such an export.
    """
    path = existing_file(path)
    raw = read_raw(path, "csv")
    axis = next((name for name in raw if str(name).lower() in _AXES), None)
    series = {
        str(name): str(name).rpartition(" - ")
        for name in raw
        if " - " in str(name) and not str(name).endswith(_SKIP)
    }
    if axis is None or not series:
        raise RunsError(
            f"{path.name}: columns {listed(list(raw))} are no Weights & Biases export; expected "
            "'Step' and 'run-name - metric'; export a line chart as CSV"
        )
    metrics = sorted({parts[2] for parts in series.values()})
    if metric is None and len(metrics) > 1:
        raise RunsError(f"{path.name} holds metrics {listed(metrics)}; choose one with metric=...")
    if metric is not None and metric not in metrics:
        raise RunsError(f"{path.name} holds metrics {listed(metrics)}, not {shown(metric)}")
    in_steps = str(axis).lower() in _AXES[:2]
    if in_steps and tokens_per_step is None:
        raise RunsError(
            f"{path.name} counts steps; expected tokens: pass tokens_per_step=... "
            "(sequences per batch times tokens per sequence)"
        )

    position, problems = to_numbers(raw[axis])
    if position.isna().any() and not problems:
        row = int(position.isna().to_numpy().argmax()) + 1
        problems = [Problem(str(axis), ((row, ""),), "a number on every row", "fill it in")]
    refuse(path.name, problems, ROWS_OF_FILE)
    parts = []
    for name, (run, _, found) in series.items():
        if found != (metric or found):
            continue
        rate = parse_quantity(_of(tokens_per_step, run, "tokens_per_step")) if in_steps else 1.0
        # A run logs on some steps only; the export leaves the others empty.
        logged = ~is_missing(raw[name]) | raw[name].str.strip().str.lower().eq("nan").to_numpy()
        parts.append(
            pd.DataFrame(
                {
                    FAMILY: _of(family, run, "family"),
                    RUN: run,
                    PARAMS: parse_quantity(_of(params, run, "params")),
                    TOKENS: position[logged] * rate,
                    LOSS: raw.loc[logged, name],
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    return _assembled(table, path.name, loss_unit, bytes_per_token)


def load_trainer_state(
    path: str | Path,
    *,
    params: Quantity,
    family: str,
    tokens_per_step: Quantity | None = None,
    run: str | None = None,
    metric: str | None = None,
) -> Runs:
    """Load the ``trainer_state.json`` a Hugging Face Trainer leaves in its output folder.

    Parameters
    ----------
    path
        The file.
    params
        Parameter count of the model.
    family
        Family label.
    tokens_per_step
        Training tokens per optimiser step; not needed when the log counts tokens
        (``include_num_input_tokens_seen``).
    run
        Run label; the name of the folder by default.
    metric
        Key to read, ``eval_loss`` by default and ``loss`` (training) if there is none.

    Returns
    -------
    Runs
        Every logged loss is a row.

    Raises
    ------
    RunsError
        When the file is no Trainer state, or tokens cannot be counted.
    """
    path = existing_file(path)
    log = _log_history(path)
    metric = metric or next((key for key in ("eval_loss", LOSS) if any(key in e for e in log)), "")
    entries = [entry for entry in log if metric in entry]
    if not entries:
        keys = sorted({str(key) for entry in log for key in entry if "loss" in str(key)})
        raise RunsError(
            f"{path.name}: log_history has no {shown(metric or 'eval_loss')}; found "
            f"{listed(keys)}; choose one with metric=..."
        )
    rate = None if tokens_per_step is None else parse_quantity(tokens_per_step)
    table = pd.DataFrame(
        {
            FAMILY: family,
            RUN: run or path.resolve().parent.name or family,
            PARAMS: parse_quantity(params),
            TOKENS: [_tokens_seen(path, entry, rate) for entry in entries],
            LOSS: pd.Series([entry[metric] for entry in entries], dtype=object),
        }
    )
    # The Trainer evaluates once more at the end and logs the same loss again.
    single = table[~table.astype("str").duplicated()]  # as text: a cell may hold anything
    runs = _assembled(single, path.name, "nats", None)
    told = [f"read {shown(metric)} from log_history"]
    if len(single) < len(table):
        told.append(f"{len(table) - len(single)} repeated log entries left out")
    if metric == LOSS:
        told.append("no eval_loss: this is training loss, averaged since the log entry before")
    return Runs(runs.table, runs.source, (*told, *runs.notes))


def _log_history(path: Path) -> list[dict]:
    try:
        state = json.loads(read_document(path))
    except RunsError:
        raise
    except (ValueError, OSError, RecursionError) as error:
        raise RunsError(
            f"{path.name} is not valid JSON ({str(error).splitlines()[0]}); "
            "expected the trainer_state.json of a Hugging Face Trainer"
        ) from None
    log = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(log, list) or not all(isinstance(entry, dict) for entry in log) or not log:
        raise RunsError(
            f"{path.name} has no entries in log_history; "
            "expected the trainer_state.json of a Hugging Face Trainer"
        )
    return log


def _tokens_seen(path: Path, entry: dict, rate: float | None) -> object:
    if rate is None:
        seen = entry.get("num_input_tokens_seen")
        if seen is None:
            raise RunsError(
                f"{path.name}: the log entry at step {shown(entry.get('step'))} counts no tokens; "
                "expected num_input_tokens_seen; pass tokens_per_step=... (batch tokens)"
            )
        return seen
    step = entry.get("step")
    if isinstance(step, bool) or not isinstance(step, (int, float)):
        raise RunsError(
            f"{path.name}: a log entry has step {shown(step)}; expected a number; repair the file"
        )
    try:
        return step * rate
    except OverflowError:  # a whole number beyond every float; refused as not finite
        return math.inf


def _of(value: object, run: str, what: str) -> str:
    """Look up a value given for all runs, or by run name."""
    if not isinstance(value, Mapping):
        return value  # type: ignore[return-value]
    if run not in value:
        raise RunsError(
            f"{what} has no entry for run {shown(run)}; found {listed(list(value))}; "
            f"add {what}[{shown(run)}]"
        )
    return value[run]


def _assembled(
    table: pd.DataFrame, source: str, loss_unit: str, bytes_per_token: float | None
) -> Runs:
    start = (pd.to_numeric(table[TOKENS], errors="coerce") == 0).to_numpy()
    runs = from_frame(table[~start], source, None, loss_unit, bytes_per_token, _ASSEMBLED)
    if not start.any():
        return runs
    told = f"{start.sum()} losses at step 0 left out: no tokens seen yet"
    return Runs(runs.table, runs.source, (told, *runs.notes))
