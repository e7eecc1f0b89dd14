"""Cells of a raw column turned into numbers, labels or flags, with every failure kept."""

import decimal
import numbers
import re

import numpy as np
import pandas as pd

from bayeslaw.runs.problems import Problem
from bayeslaw.runs.quantities import SUFFIXES, read_number

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "<na>"})

_PLAIN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TRUE = frozenset({"true", "yes", "1", "1.0"})
_FALSE = frozenset({"false", "no", "0", "0.0"})

Problems = list[Problem]


def is_missing(column: pd.Series) -> np.ndarray:
    """Mark the cells that hold nothing, or a word for nothing.

    Examples
    --------
    >>> is_missing(pd.Series(["1", "", "n/a"])).tolist()
    [False, True, True]
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    missing = column.isna().to_numpy()
    if pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
        words = (isinstance(cell, str) and cell.strip().lower() in MISSING for cell in column)
        missing = missing | np.fromiter(words, bool, len(column))
    return missing


def to_numbers(column: pd.Series, *, suffixes: bool = True) -> tuple[pd.Series, Problems]:
    """Read a column as float64; missing and unreadable cells become NaN.

    Parameters
    ----------
    column
        Numbers, or texts that hold numbers.
    suffixes
        Whether 70B means 7e10 (a count) or is refused (a loss).

    Returns
    -------
    tuple of Series and list of Problem
        The numbers, and the cells that could not be read.

    Examples
    --------
    >>> values, problems = to_numbers(pd.Series(["70B", "1e9", "big"]))
    >>> values.tolist(), len(problems)
    ([70000000000.0, 1000000000.0, nan], 1)
    """
    name, index = str(column.name), column.index
    dtype = column.dtype
    if pd.api.types.is_numeric_dtype(dtype) and not (
        pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype)
    ):
        return pd.Series(column.to_numpy(np.float64, na_value=np.nan), index, name=name), []

    values = np.full(len(column), np.nan)
    cells = column.astype(object).to_numpy()
    todo = ~is_missing(column)
    if isinstance(dtype, pd.StringDtype):
        # Most files hold plain digits only: those are read without a loop.
        plain = todo & column.fillna("").str.strip().str.fullmatch(_PLAIN).to_numpy(bool)
        values[plain] = [float(cell) for cell in cells[plain]]
        too_large = np.isinf(values)
        values[too_large] = np.nan
        todo &= ~plain | too_large
    failures: dict[str, list[tuple[int, object]]] = {}
    for row in np.flatnonzero(todo):
        try:
            values[row] = _read_cell(cells[row], suffixes)
        except (ValueError, OverflowError) as error:
            failures.setdefault(str(error), []).append((int(row) + 1, cells[row]))
    problems = []
    for reason, offenders in failures.items():
        fault, _, remedy = reason.partition("; ")
        problems.append(Problem(name, tuple(offenders), f"a number, but this {fault}", remedy))
    return pd.Series(values, index, name=name), problems


def _read_cell(cell: object, suffixes: bool) -> float:
    if isinstance(cell, str):
        value = read_number(cell)
        if not suffixes and cell.strip()[-1:].upper() in set(SUFFIXES) - {""}:
            raise ValueError("has a suffix meant for counts; write the plain number")
        return value
    if isinstance(cell, (bool, np.bool_)):
        raise ValueError("is true or false; write the number itself")
    if isinstance(cell, (numbers.Real, decimal.Decimal)):
        return float(cell)
    if isinstance(cell, numbers.Complex):
        raise ValueError("is a complex number; write its real value")
    kind = type(cell).__name__
    if re.search("date|time", kind, re.IGNORECASE):
        raise ValueError("is a date or a duration; write a plain number")
    raise ValueError(f"is of type {kind}; write a plain number")


def to_labels(column: pd.Series) -> tuple[pd.Series, Problems]:
    """Read a column as text; whole numbers lose their decimals, missing cells become ''.

    Examples
    --------
    >>> to_labels(pd.Series([1.0, 2.0]))[0].tolist()
    ['1', '2']
    """
    name = str(column.name)
    missing = is_missing(column)
    offenders: list[tuple[int, object]] = []
    labels: list[str] = []
    for row, (cell, empty) in enumerate(zip(column.astype(object), missing, strict=True), 1):
        if empty:
            labels.append("")
        elif isinstance(cell, (bool, np.bool_)):
            labels.append(str(cell).lower())
        elif isinstance(cell, numbers.Real) and float(cell).is_integer():
            labels.append(f"{cell}" if isinstance(cell, numbers.Integral) else f"{float(cell):.0f}")
        elif isinstance(cell, (list, dict, set, tuple, bytes, np.ndarray)):
            labels.append("")
            offenders.append((row, cell))
        else:
            labels.append(str(cell).strip(" "))
    problems = [Problem(name, tuple(offenders), "text", "write a plain label")] if offenders else []
    return pd.Series(labels, column.index, dtype="str", name=name), problems


def to_flags(column: pd.Series) -> tuple[pd.Series, Problems]:
    """Read a column as true or false; missing cells become false.

    Examples
    --------
    >>> to_flags(pd.Series(["yes", "0", ""]))[0].tolist()
    [True, False, False]
    """
    name = str(column.name)
    words = column.astype(object).map(lambda cell: str(cell).strip().lower())
    true, false = words.isin(_TRUE), words.isin(_FALSE)
    bad = ~(true.to_numpy() | false.to_numpy() | is_missing(column))
    problems = []
    if bad.any():
        offenders = tuple((int(row) + 1, column.iloc[row]) for row in np.flatnonzero(bad))
        problems = [Problem(name, offenders, "true or false", "write true or false on every row")]
    return pd.Series(true.to_numpy(bool), column.index, name=name), problems


def tidy_extra(column: pd.Series) -> pd.Series:
    """Keep a column no law has asked for yet: as numbers if all of it reads so, else as text."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column):
        return to_labels(column)[0]
    values, problems = to_numbers(column)
    return values if not problems and values.notna().any() else to_labels(column)[0]
