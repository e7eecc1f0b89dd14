"""Targets from the command line: --target params=70e9,tokens=1.4e12 and --targets table.csv."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bayeslaw.errors import TargetError
from bayeslaw.names import FAMILY, FLOPS, LAW_INPUTS, PARAMS, TOKENS

if TYPE_CHECKING:
    from bayeslaw.prediction import Target

KNOWN = (PARAMS, TOKENS, FLOPS)


def read_targets(
    flags: list[str], table: Path | None, family: str | None, kind: str
) -> "list[Target]":
    """Return every target asked for, in order: those of flags first, then those of the table.

    Raises
    ------
    TargetError
        If there is none, or one is malformed.
    """
    if not flags and table is None:
        raise TargetError(
            f"no target was given; add --target {PARAMS}=70e9,{TOKENS}=1.4e12, or --targets "
            "table.csv."
        )
    targets = [_from_flag(flag, kind) for flag in flags]
    if table is not None:
        targets += _from_table(table, kind)
    targets = [t if t.family is not None else replace(t, family=family) for t in targets]
    for name in {t.family for t in targets} - {None}:
        if not (str(name).strip() and str(name).isprintable()):
            raise TargetError(
                f"family {name!a} is blank or has control characters; give a printable name."
            )
    return targets


def _from_flag(flag: str, kind: str) -> "Target":
    from bayeslaw.prediction import Target
    from bayeslaw.runs import parse_target
    from bayeslaw.runs.columns import canonical_name

    given = parse_target(flag)
    for name in given:
        if name not in (*KNOWN, *LAW_INPUTS):
            meant = canonical_name(name)
            hint = f"did you mean {meant!r}?" if meant in KNOWN else f"known: {', '.join(KNOWN)}."
            raise TargetError(f"target {flag!a} has the unknown key {name!r}; {hint}")
    missing = [name for name in (PARAMS, TOKENS) if name not in given]
    if missing:
        raise TargetError(
            f"target {flag!a} has no {' and no '.join(missing)}; expected both, such as "
            f"{PARAMS}=70e9,{TOKENS}=1.4e12."
        )
    more = {name: given[name] for name in LAW_INPUTS if name in given}
    return Target(given[PARAMS], given[TOKENS], flops=given.get(FLOPS), kind=kind, inputs=more)


def _from_table(path: Path, kind: str) -> "list[Target]":
    from bayeslaw.prediction import targets_from
    from bayeslaw.runs.columns import canonical_name
    from bayeslaw.runs.files import existing_file, read_raw

    raw = read_raw(existing_file(path))
    columns = [canonical_name(str(name)) or str(name).strip() for name in raw.columns]
    double = [name for name in (*KNOWN, FAMILY, "kind") if columns.count(name) > 1]
    if double:
        raise TargetError(f"{path.name} has several columns for {', '.join(double)}; keep one.")
    frame = raw.set_axis(columns, axis=1)
    if frame.empty:
        targets_from(frame, kind)  # says what is missing
    targets: list[Target] = []
    for i in range(len(frame)):
        try:
            targets += targets_from(frame.iloc[[i]], kind)
        except TargetError as error:
            raise TargetError(f"{path.name}, row {i + 1}: {error}") from None
    return targets


def require_kind(kind: str) -> None:
    """Refuse an unknown kind before anything slow."""
    from bayeslaw.prediction.targets import KINDS

    if kind not in KINDS:
        raise typer.BadParameter(
            f"{kind!r} is unknown; expected one of {', '.join(KINDS)}.", param_hint="--kind"
        )
