"""Targets: the runs one would like to know the loss of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
    inputs : what else the law takes, such as ``unique_tokens``, by name.
    """

    params: float
    tokens: float
    family: str | None = None
    flops: float | None = None
    kind: str = "run"
    inputs: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        more = dict(self.inputs)
        for name in (names.PARAMS, names.TOKENS, names.FLOPS, *more):
            value = more[name] if name in more else getattr(self, name)
            if value is None and name == names.FLOPS:
                continue
            try:
                if isinstance(value, bool):
                    raise TypeError("a truth value")
                number = parse_quantity(value) if isinstance(value, str) else float(value or 0)
            except (TypeError, ValueError, OverflowError) as error:
                raise TargetError(
                    f"target {name} is {value!r:.60}; expected a positive number such as 70e9 "
                    "or '70B'."
                ) from error
            if not 0 < number < 1e40:
                raise TargetError(
                    f"target {name} is {number:g}; expected a positive, finite number. "
                    "Write for example params=70e9,tokens=1.4e12."
                )
            if name in more:
                more[name] = number
            else:
                object.__setattr__(self, name, number)
        object.__setattr__(self, "inputs", more)
        if self.kind not in KINDS:
            raise TargetError(f"target kind is '{self.kind}'; expected one of {', '.join(KINDS)}.")
        if self.flops is None:
            object.__setattr__(self, names.FLOPS, 6.0 * self.params * self.tokens)

    def value(self, name: str) -> float:
        """Return what the target says of an input of a law.

        Raises
        ------
        TargetError
            If it says nothing of it.
        """
        if name in self.inputs:
            return self.inputs[name]
        if name in (names.PARAMS, names.TOKENS, names.FLOPS):
            return getattr(self, name)
        raise TargetError(
            f"the law takes '{name}' and the target gives params, tokens and "
            f"{', '.join(self.inputs) or 'nothing else'}; add it: Target(..., "
            f"inputs={{'{name}': 1e9}}), or {name}=1e9 in --target."
        )


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
        more = [
            c for c in names.LAW_INPUTS
            if c in source.columns and pd.api.types.is_numeric_dtype(source[c])
        ]  # fmt: skip
        cells: list[dict[str, Any]] = [
            {"kind": kind}
            | {c: _cell(row[c]) for c in columns}
            | {"inputs": {c: row[c] for c in more if row[c] > 0}}
            for _, row in source.iterrows()
        ]
        out = [Target(**values) for values in cells]
    else:
        out = list(source)
    if not out:
        raise TargetError("there is no target; give params and tokens, or a table with rows.")
    return out


def _cell(value: Any) -> Any:
    return None if pd.isna(value) or value == "" else value
