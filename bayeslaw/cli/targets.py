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
        _require_printable(str(name))
    return targets


def _require_printable(family: str) -> None:
    if not (family.strip() and family.isprintable()):
        raise TargetError(
            f"family {family!a} is blank or has control characters; give a printable name."
        )


def one_target(flags: list[str], family: str | None, kind: str) -> "Target":
    """Return the one target that is asked about.

    Raises
    ------
    TargetError
        If there is none, there are several, or it is malformed.
    """
    targets = read_targets(flags, None, family, kind)
    if len(targets) > 1:
        raise TargetError(
            f"{len(targets)} targets were given; expected one. Give a single --target."
        )
    return targets[0]


def read_budget(text: str | None) -> float:
    """Read --budget, which is needed."""
    if text is None:
        raise typer.BadParameter(
            "is missing; expected compute in FLOP, such as 1e21.", param_hint="--budget"
        )
    return read_quantity(text, "--budget")


def read_quantity(text: str, flag: str) -> float:
    """Read a positive quantity given to a flag."""
    from bayeslaw.errors import RunsError
    from bayeslaw.runs import parse_quantity

    try:
        return parse_quantity(text)
    except RunsError as error:
        raise typer.BadParameter(f"{error}.", param_hint=flag) from None


def read_inputs(flags: list[str]) -> dict[str, float]:
    """Read --given NAME=VALUE: what else a law takes.

    Raises
    ------
    TargetError
        If one is malformed, unknown, or a size or data, which the command finds itself.
    """
    from bayeslaw.runs import parse_target

    given = {}
    for flag in flags:
        given |= parse_target(flag)
    for name in given:
        if name not in LAW_INPUTS:
            raise TargetError(
                f"--given has the unknown name {name!r}; expected one of {', '.join(LAW_INPUTS)}."
            )
    return given


def listed_families(text: str | None) -> list[str]:
    """Read the names of --families A,B; two or more, or none."""
    if text is None:
        return []
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(names) < 2:
        raise typer.BadParameter(
            f"{text!a} names {len(names)}; expected two or more, such as A,B.",
            param_hint="--families",
        )
    for name in names:
        _require_printable(name)
    return names


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
