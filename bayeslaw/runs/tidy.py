"""A raw table made complete: cells read, units converted, faults refused, defaults filled."""

from collections.abc import Iterator
from itertools import chain

import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.names import FAMILY, FINAL, FLOPS, LAB, LOSS_SD, PARAMS, RUN, SEED, TOKENS
from bayeslaw.runs.cells import tidy_extra, to_flags, to_labels, to_numbers
from bayeslaw.runs.columns import CANONICAL, FILLED, PERPLEXITY, REQUIRED, Rule, schema
from bayeslaw.runs.groups import (
    families_of_two_labs,
    mixed_units,
    perplexity_column,
    repeated_rows,
    runs_of_two_sizes,
)
from bayeslaw.runs.problems import Problem, listed, refuse
from bayeslaw.runs.units import check_loss_unit, drop_agreeing_unit, to_nats

ROWS_OF_FILE = "row 1 is the first row after the header"
ROWS_OF_FRAME = "row 1 is the first row"

Notes = list[str]


def tidy(
    raw: pd.DataFrame,
    source: str,
    *,
    loss_unit: str = "nats",
    bytes_per_token: float | None = None,
    rows: str = ROWS_OF_FRAME,
) -> tuple[pd.DataFrame, Notes]:
    """Turn a table with canonical column names into a complete, checked one.

    Parameters
    ----------
    raw
        Columns named as in `bayeslaw.names`; others are kept.
    source
        What to call the table in messages.
    loss_unit
        ``nats`` per token, ``ppl`` (perplexity) or ``bpb`` (bits per byte).
    bytes_per_token
        Mean bytes per token of the evaluation text; needed for ``bpb``.
    rows
        How rows are counted, for messages.

    Returns
    -------
    tuple of DataFrame and list of str
        The table, canonical columns first, and what was converted or filled in.

    Raises
    ------
    RunsError
        With every problem of the cells, or else every problem between rows.
    """
    check_loss_unit(loss_unit, bytes_per_token)
    missing = [name for name in REQUIRED if name not in raw]
    if missing:
        raise RunsError(
            f"{source}: no column {listed(missing)}; expected {', '.join(REQUIRED)}; add or rename"
        )
    raw = raw.reset_index(drop=True)
    if raw.empty:
        raise RunsError(f"{source}: no rows; expected at least one observed loss under the header")
    read, problems = _read(raw)
    read = drop_agreeing_unit(read, source, loss_unit)
    read, unconverted, notes = to_nats(read, loss_unit, bytes_per_token)
    problems += unconverted
    unreadable = {(p.column, row) for p in problems for row, _ in p.offenders}
    for problem in _broken_rules(read, raw, loss_unit):
        offenders = tuple(o for o in problem.offenders if (problem.column, o[0]) not in unreadable)
        if offenders:
            problems.append(Problem(problem.column, offenders, problem.expected, problem.remedy))
    refuse(source, problems, rows)

    table, filled = _complete(read)
    given_runs = read.get(RUN, pd.Series("", read.index, dtype="str"))
    faults = chain(
        perplexity_column(table) if loss_unit == "nats" else (),
        runs_of_two_sizes(table),
        families_of_two_labs(table),
        mixed_units(table),
        repeated_rows(table, given_runs),
    )
    refuse(source, faults, rows)
    return table, notes + filled


def _read(raw: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    columns, problems = {}, []
    for name in map(str, raw.columns):
        kind = CANONICAL[name].kind if name in CANONICAL else "extra"
        match kind:
            case "label":
                columns[name], found = to_labels(raw[name])
            case "quantity" | "number":
                columns[name], found = to_numbers(raw[name], suffixes=kind == "quantity")
            case "flag":
                columns[name], found = to_flags(raw[name])
            case _:
                columns[name], found = tidy_extra(raw[name]), []
        problems += found
    return pd.DataFrame(columns), problems


def _broken_rules(read: pd.DataFrame, raw: pd.DataFrame, unit: str) -> Iterator[Problem]:
    """Check the columns that were given against their declarations, all at once."""
    given = tuple(name for name in CANONICAL if name in read)
    import pandera.errors

    try:
        schema(given).validate(read[list(given)], lazy=True)
        return
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
    seen: set[tuple[str, int]] = set()
    for (name, check), failed in cases.groupby(["column", "check"], sort=False):
        # One fault per cell: rules are declared from the plainest to the subtlest.
        offenders = tuple(
            (int(row) + 1, _as_given(raw[name].iloc[int(row)]))
            for row in failed["index"]
            if (name, int(row)) not in seen
        )
        seen |= {(name, row - 1) for row, _ in offenders}
        if offenders:
            rule = _rule(name, check)
            remedy = rule.remedy
            if rule is PERPLEXITY and unit != "nats":
                remedy = f"check that the column really holds {unit}"
            yield Problem(name, offenders, rule.expected, remedy)


def _rule(column: str, check: str) -> Rule:
    for rule in CANONICAL[column].rules:
        if rule.expected == check:
            return rule
    return FILLED  # pandera's own check for empty cells


def _as_given(value: object) -> object:
    return "" if value is None or value is pd.NA else value


def _complete(read: pd.DataFrame) -> tuple[pd.DataFrame, Notes]:
    """Fill in every optional column, and say so."""
    table, notes = read.copy(), []
    for name, fallback, told in (
        (LAB, _family_labs(table), "the family's lab, or the family"),
        (SEED, pd.Series("0", table.index, dtype="str"), "'0'"),
        (RUN, _own_runs(table[FAMILY]), "a run per row"),
    ):
        given = table[name] if name in table else pd.Series("", table.index, dtype="str")
        empty = given == ""
        table[name] = given.where(~empty, fallback).astype("str")
        if name in read and empty.any():
            notes.append(f"column '{name}' is empty on {empty.sum()} rows: filled with {told}")
    if RUN in read:
        table[RUN], told = _qualify(table, read[RUN])
        notes += told
    for name, fallback, told in (
        (FLOPS, 6 * table[PARAMS] * table[TOKENS], "6 N D"),
        (LOSS_SD, pd.Series(0.0, table.index), "0 (unknown)"),
    ):
        if name not in table:
            table[name] = fallback
        elif table[name].isna().any():
            notes.append(
                f"column '{name}' is empty on {table[name].isna().sum()} rows: filled with {told}"
            )
            table[name] = table[name].fillna(fallback)
    if FINAL not in table:
        last = table.groupby(RUN, sort=False)[TOKENS].idxmax()
        table[FINAL] = table.index.isin(last)
    extras = [name for name in table if name not in CANONICAL]
    return table[[*CANONICAL, *extras]], notes


def _family_labs(table: pd.DataFrame) -> pd.Series:
    if LAB not in table:
        return table[FAMILY]
    given = table[table[LAB] != ""].drop_duplicates(FAMILY).set_index(FAMILY)[LAB]
    return table[FAMILY].map(given).fillna(table[FAMILY])


def _own_runs(families: pd.Series) -> pd.Series:
    numbers = pd.Series(range(1, len(families) + 1), families.index).astype("str").str.zfill(4)
    return families + "/" + numbers


def _qualify(table: pd.DataFrame, given: pd.Series) -> tuple[pd.Series, Notes]:
    """Make a label name one training run: of one family and one seed."""
    runs, notes = table[RUN], []
    for name, pattern in ((FAMILY, "{0}/{1}"), (SEED, "{1}/seed-{0}")):
        labels = pd.DataFrame({"run": runs, name: table[name]}).drop_duplicates()
        if labels["run"].duplicated().any():
            pairs = zip(table[name], runs, strict=True)
            runs = pd.Series([pattern.format(*p) for p in pairs], table.index, dtype="str")
            notes.append(f"run labels are shared between {name} labels: qualified by {name}")
    # A label made up here must not join two runs that the table keeps apart.
    own = given == ""
    identity = given.where(~own, given.index.astype("str"))
    meant = pd.DataFrame({"own": own, "run": identity, FAMILY: table[FAMILY], SEED: table[SEED]})
    if len(meant.drop_duplicates()) != runs.nunique():
        raise RunsError(
            "column 'run': some labels look like the ones made up for empty cells (family/0001); "
            "expected one label per training run; fill in column 'run' on every row"
        )
    return runs, notes
