"""Tables of training runs loaded, whatever their columns and units are called."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.names import LOSS
from bayeslaw.runs.columns import CANONICAL, MAX_LABEL, REQUIRED, canonical_name
from bayeslaw.runs.files import existing_file, read_raw
from bayeslaw.runs.problems import listed
from bayeslaw.runs.quantities import shown
from bayeslaw.runs.table import Runs
from bayeslaw.runs.tidy import ROWS_OF_FILE, ROWS_OF_FRAME, tidy

_LOSS_IN_OTHER_UNITS = {
    "ppl": "ppl", "perplexity": "ppl", "val_ppl": "ppl", "eval_ppl": "ppl",
    "val_perplexity": "ppl", "eval_perplexity": "ppl",
    "bpb": "bpb", "bits_per_byte": "bpb", "val_bpb": "bpb",
}  # fmt: skip


def load_runs(
    source: str | Path | pd.DataFrame | Runs,
    *,
    rename: Mapping[str, str] | None = None,
    loss_unit: str = "nats",
    bytes_per_token: float | None = None,
    format: str | None = None,
) -> Runs:
    """Load a table of training runs, check every cell and fill in what may be left out.

    Parameters
    ----------
    source
        A CSV (comma, tab or semicolon), Parquet or JSON lines file, a DataFrame, or Runs.
        Needed columns: family, params, tokens, loss; common other names are recognised.
    rename
        Canonical name to the name found, such as ``{"loss": "val_loss"}``.
    loss_unit
        ``nats`` per token, ``ppl`` (perplexity) or ``bpb`` (bits per byte).
    bytes_per_token
        Mean bytes per token of the evaluation text; needed for ``bpb``.
    format
        ``csv``, ``parquet`` or ``jsonl`` when the file name does not say.

    Returns
    -------
    Runs
        Loss in nats per token; what was renamed or converted is in ``notes``.

    Raises
    ------
    RunsError
        Naming rows, columns, values found, what was expected and the remedy.

    Examples
    --------
    >>> frame = pd.DataFrame({"family": "ours", "N": ["70M", "1.4B"], "D": ["1.4B", "28B"],
    ...                       "val_loss": [3.9, 2.6]})
    >>> runs = load_runs(frame)
    >>> runs.table["params"].tolist()
    [70000000.0, 1400000000.0]
    >>> runs.notes[0]
    "column 'N' read as params"
    """
    if isinstance(source, Runs):
        if rename or loss_unit != "nats" or bytes_per_token is not None:
            raise RunsError(
                "these Runs are already in nats under canonical names; "
                "expected a file or DataFrame with rename or loss_unit; load the source again"
            )
        return source
    if isinstance(source, pd.DataFrame):
        return from_frame(source, "DataFrame", rename, loss_unit, bytes_per_token, ROWS_OF_FRAME)
    if not isinstance(source, (str, Path)):
        raise RunsError(
            f"runs of type {type(source).__name__}; expected a path, a DataFrame or Runs"
        )
    path = existing_file(source)
    if path.suffix == ".json" and format is None:
        raise RunsError(
            f"{path.name} is JSON; a Trainer state needs the parameter count: use "
            "load_trainer_state(path, params=...); a table must be JSON lines (.jsonl)"
        )
    raw = read_raw(path, format)
    return from_frame(raw, path.name, rename, loss_unit, bytes_per_token, ROWS_OF_FILE)


def from_frame(
    raw: pd.DataFrame,
    source: str,
    rename: Mapping[str, str] | None,
    loss_unit: str,
    bytes_per_token: float | None,
    rows: str,
) -> Runs:
    """Name the columns of a raw table, tidy it, and keep what was done as notes."""
    named, told = _canonical(raw, source, dict(rename or {}))
    table, notes = tidy(
        named, source, loss_unit=loss_unit, bytes_per_token=bytes_per_token, rows=rows
    )
    return replace(Runs(table, source), notes=(*told, *notes))


def _canonical(
    raw: pd.DataFrame, source: str, rename: dict[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """Give every recognised column its canonical name."""
    levels = [name for name in raw.index.names if name is not None and name not in raw]
    raw = raw.reset_index(levels) if levels else raw
    found = [str(name).strip() for name in raw.columns]
    raw = raw.set_axis(found, axis=1)
    _refuse_headers(found, source)
    for name, other in rename.items():
        if name not in CANONICAL:
            raise RunsError(
                f"--map {name}={other}: {shown(name)} is no column of a runs table; "
                f"expected canonical=found with one of {', '.join(CANONICAL)}"
            )
        if other not in found:
            near = difflib.get_close_matches(other, found, n=1)
            hint = f"did you mean {shown(near[0])}?" if near else f"columns are {listed(found)}"
            raise RunsError(f"{source}: --map {name}={other}: no column {shown(other)}; {hint}")
    if len(set(rename.values())) < len(rename):
        raise RunsError(f"{source}: --map uses one column for two names; map each column once")

    names: dict[str, str] = {other: name for name, other in rename.items()}
    notes = [f"column {shown(other)} mapped to {name}" for name, other in rename.items()]
    for column in found:
        name = canonical_name(column)
        if column in names or name is None:
            continue
        if name in rename:
            # An explicit choice wins; the column it displaces is kept under a free name.
            if column in CANONICAL:
                names[column] = f"{column}_in_file"
            continue
        rival = next((other for other, taken in names.items() if taken == name), None)
        if rival is not None:
            raise RunsError(
                f"{source}: columns {shown(rival)} and {shown(column)} both read as {name}; "
                f"expected one; choose with --map {name}={column} "
                f'(rename={{"{name}": "{column}"}})'
            )
        names[column] = name
        if column != name:
            notes.append(f"column {shown(column)} read as {name}")
    named = raw.rename(columns=names)
    canonical = [str(name) for name in named.columns]
    _refuse_headers(canonical, source)
    _require_columns(canonical, found, source)
    return named, notes


def _refuse_headers(names: list[str], source: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise RunsError(
            f"{source}: columns {listed(repeated)} occur more than once; "
            "expected every column once; rename or delete the copies"
        )
    odd = [name for name in names if not name.isprintable() or len(name) > MAX_LABEL]
    if odd:
        raise RunsError(
            f"{source}: column names {listed(odd)} are not printable or longer than {MAX_LABEL} "
            "characters; expected plain names; rename them"
        )


def _require_columns(named: list[str], found: list[str], source: str) -> None:
    missing = [name for name in REQUIRED if name not in named]
    if not missing:
        return
    start = f"{source}: no column {listed(missing)}; found {listed(found)}; "
    lower = {name.lower(): name for name in found}
    unit = next((name for name in _LOSS_IN_OTHER_UNITS if name in lower), None)
    if any(" - " in name for name in found) and "step" in lower:
        remedy = "looks like a Weights & Biases export: use load_wandb(path, params=...)"
    elif LOSS in missing and unit:
        remedy = f"pass --map loss={lower[unit]} --loss-unit {_LOSS_IN_OTHER_UNITS[unit]}"
    elif any(re.match(r"[-+.]?\d", name) for name in found):
        remedy = f"the first line looks like data: add a header such as {','.join(REQUIRED)}"
    else:
        remedy = f"name the columns with --map {missing[0]}=NAME (rename={{...}})"
    raise RunsError(f"{start}expected {', '.join(REQUIRED)}; {remedy}")
