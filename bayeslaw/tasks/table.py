"""Tables of benchmark scores, pass counts and losses read and checked cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.runs.cells import is_missing, to_numbers
from bayeslaw.runs.files import existing_file, read_raw
from bayeslaw.runs.problems import Problem, listed, refuse
from bayeslaw.runs.tidy import ROWS_OF_FILE, ROWS_OF_FRAME

MAX_TEXT = 200

Check = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Column:
    """A column of numbers: what its cells must satisfy, and what to do if one does not."""

    name: str
    holds: Check
    expected: str
    remedy: str
    required: bool = True
    gaps: bool = False  # whether a cell may be empty


def positive(name: str, *, required: bool = True, gaps: bool = False) -> Column:
    """Return a column of positive numbers."""
    return Column(
        name, lambda v: v > 0, "a number above 0", "correct or drop the row", required, gaps
    )


def share(name: str, *, required: bool = True, gaps: bool = False) -> Column:
    """Return a column of shares."""
    return Column(
        name,
        lambda v: (v >= 0) & (v <= 1),
        "a share from 0 to 1",
        "divide percentages by 100, or choose the benchmark columns",
        required,
        gaps,
    )


def whole(name: str, least: int, *, required: bool = True) -> Column:
    """Return a column of whole numbers."""
    return Column(
        name,
        lambda v: (v >= least) & (np.floor(v) == v),
        f"a whole number from {least}",
        "correct or drop the row",
        required,
    )


def read_table(source: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str, str]:
    """Return a raw table, its name, and how its rows are counted.

    Raises
    ------
    RunsError
        If the file cannot be read, or holds no row.
    """
    if isinstance(source, pd.DataFrame):
        raw, name, rows = source.reset_index(drop=True), "DataFrame", ROWS_OF_FRAME
    else:
        path = existing_file(source)
        raw, name, rows = read_raw(path), path.name, ROWS_OF_FILE
    raw = raw.set_axis([str(column).strip() for column in raw.columns], axis=1)
    if raw.columns.duplicated().any():
        twice = raw.columns[raw.columns.duplicated()].tolist()
        raise RunsError(f"{name}: columns {listed(twice)} occur twice; expected every column once")
    if raw.empty:
        raise RunsError(f"{name} has no rows; expected at least one below the header")
    return raw, name, rows


def renamed(raw: pd.DataFrame, name: str, rename: Mapping[str, str] | None) -> pd.DataFrame:
    """Return the table with the columns of ``rename`` (name wanted: name found) renamed."""
    for wanted, found in (rename or {}).items():
        if found not in raw:
            raise RunsError(
                f"{name}: --map {wanted}={found}: no such column; found {listed(list(raw.columns))}"
            )
        if wanted in raw and wanted != found:
            raw = raw.drop(columns=wanted)
        raw = raw.rename(columns={found: wanted})
    return raw


def numbers(raw: pd.DataFrame, columns: Sequence[Column], name: str, rows: str) -> pd.DataFrame:
    """Return the named columns as numbers, every cell checked.

    Raises
    ------
    RunsError
        Naming absent columns, or each bad cell with its row, what was expected and what to do.
    """
    absent = [c.name for c in columns if c.required and c.name not in raw]
    if absent:
        raise RunsError(
            f"{name}: no column {listed(absent)}; found {listed(list(raw.columns))}; name it with "
            f"--map {absent[0]}=NAME, or add it"
        )
    problems: list[Problem | str] = []
    out = {}
    for column in columns:
        if column.name not in raw:
            continue
        values, faults = to_numbers(raw[column.name])
        problems += faults
        found = values.to_numpy(float)
        empty = is_missing(raw[column.name])
        with np.errstate(invalid="ignore"):
            fine = np.isfinite(found) & column.holds(found)
        told = {row for fault in faults for row, _ in fault.offenders}
        bad = ~fine & ~(empty & column.gaps)
        offenders = tuple(
            (int(i) + 1, raw[column.name].iloc[i])
            for i in np.flatnonzero(bad)
            if int(i) + 1 not in told
        )
        if offenders:
            problems.append(Problem(column.name, offenders, column.expected, column.remedy))
        out[column.name] = found
    refuse(name, problems, rows)
    return pd.DataFrame(out)


def texts(raw: pd.DataFrame, column: str, name: str, rows: str) -> np.ndarray:
    """Return a column of labels, every one filled and printable.

    Raises
    ------
    RunsError
        If the column is absent, or a label is empty, too long or not printable.
    """
    if column not in raw:
        raise RunsError(
            f"{name}: no column {column!r}; found {listed(list(raw.columns))}; name it with "
            f"--map {column}=NAME"
        )
    cells = ["" if gap else str(v).strip() for v, gap in
             zip(raw[column], is_missing(raw[column]), strict=True)]  # fmt: skip
    bad = tuple(
        (i + 1, cell) for i, cell in enumerate(cells)
        if not cell or not cell.isprintable() or len(cell) > MAX_TEXT
    )  # fmt: skip
    if bad:
        problem = Problem(column, bad, f"1 to {MAX_TEXT} printable characters", "name every row")
        refuse(name, [problem], rows)
    return np.array(cells, dtype=object)
