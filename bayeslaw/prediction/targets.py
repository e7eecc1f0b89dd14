"""Targets: the runs one would like to know the loss of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayeslaw import names
from bayeslaw.errors import TargetError
from bayeslaw.runs import Runs, parse_quantity

KINDS = ("run", "mean")


@dataclass(frozen=True)
class Target:
    """A run to forecast.

    Attributes
    ----------
    params, tokens : model parameters and training tokens, positive.
    family : a family of the fit, or a new name for a family without rows; None stands for the
        only family, or for every family, of the fit.
    flops : training compute; 6 x params x tokens unless given.
    kind : ``"run"`` for the loss of one new training run, ``"mean"`` for the curve under it.
    """

    params: float
    tokens: float
    family: str | None = None
    flops: float | None = None
    kind: str = "run"

    def __post_init__(self) -> None:
        for name in (names.PARAMS, names.TOKENS, names.FLOPS):
            value = getattr(self, name)
            if value is None and name == names.FLOPS:
                continue
            try:
                number = parse_quantity(value) if isinstance(value, str) else float(value or 0)
            except (TypeError, ValueError) as error:
                raise TargetError(
                    f"target {name} is {value!r}; expected a positive number such as 70e9 or '70B'."
                ) from error
            if not 0 < number < 1e40:
                raise TargetError(
                    f"target {name} is {number:g}; expected a positive, finite number. "
                    "Write for example params=70e9,tokens=1.4e12."
                )
            object.__setattr__(self, name, number)
        if self.kind not in KINDS:
            raise TargetError(f"target kind is '{self.kind}'; expected one of {', '.join(KINDS)}.")
        if self.flops is None:
            object.__setattr__(self, names.FLOPS, 6.0 * self.params * self.tokens)


def targets_from(
    source: Target | Runs | pd.DataFrame | Iterable[Target], kind: str = "run"
) -> list[Target]:
    """Return targets from a target, several, a table of them, or runs that were held out.

    Parameters
    ----------
    source : a table needs the columns params and tokens; family, flops and kind may be there.
    kind : what to forecast where the table does not say.

    Raises
    ------
    TargetError
        If there is no target or a table lacks a column.
    """
    if isinstance(source, Target):
        return [source]
    if isinstance(source, Runs):
        source = source.table
    if isinstance(source, pd.DataFrame):
        missing = [c for c in (names.PARAMS, names.TOKENS) if c not in source]
        if missing:
            raise TargetError(
                f"the table of targets has no column {', '.join(missing)}; found "
                f"{', '.join(map(str, source.columns))}. Name the columns params and tokens."
            )
        known = (names.PARAMS, names.TOKENS, names.FAMILY, names.FLOPS, "kind")
        columns = [c for c in known if c in source.columns]
        cells: list[dict[str, Any]] = [
            {"kind": kind} | {c: _cell(row[c]) for c in columns} for _, row in source.iterrows()
        ]
        out = [Target(**values) for values in cells]
    else:
        out = list(source)
    if not out:
        raise TargetError("there is no target; give params and tokens, or a table with rows.")
    return out


def _cell(value: Any) -> Any:
    return None if pd.isna(value) or value == "" else value
