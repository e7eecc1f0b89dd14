"""Plans: candidate runs and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from bayeslaw import names
from bayeslaw.errors import RunsError, TargetError
from bayeslaw.runs import parse_quantity

SEEDS = "seeds"


@dataclass(frozen=True, eq=False)
class Plan:
    """Training runs that could be bought.

    Attributes
    ----------
    name : what to call the plan.
    runs : one row per setting with columns params, tokens and seeds (how many runs that differ
        in their seed); a column flops, compute per run, replaces 6 x params x tokens.

    Raises
    ------
    TargetError
        If a column is missing or a number is not positive.

    Examples
    --------
    >>> plan = Plan("two", pd.DataFrame({"params": [1e9], "tokens": [2e10], "seeds": [2]}))
    >>> f"{plan.cost:.3g}"
    '2.4e+20'
    """

    name: str
    runs: pd.DataFrame

    def __post_init__(self) -> None:
        """Keep a private, checked copy with one row per setting."""
        table = self.runs.copy()
        if SEEDS not in table:
            table[SEEDS] = 1
        missing = [c for c in (names.PARAMS, names.TOKENS) if c not in table]
        if missing or table.empty:
            raise TargetError(
                f"plan '{self.name}' has {len(table)} rows and lacks "
                f"{', '.join(missing) or 'nothing'}; expected rows with params, tokens and seeds."
            )
        for column in (names.PARAMS, names.TOKENS, SEEDS, names.FLOPS):
            if column in table:
                table[column] = [_positive(v, self.name, column) for v in table[column]]
        if names.FLOPS not in table:
            table[names.FLOPS] = 6.0 * table[names.PARAMS] * table[names.TOKENS]
        if (table[SEEDS] % 1 != 0).any():
            raise TargetError(f"plan '{self.name}' has seeds that are not whole numbers.")
        # Rows of one setting are replicates, whether written on one row or on several.
        keys = [names.PARAMS, names.TOKENS, names.FLOPS]
        table = table.groupby(keys, sort=False, as_index=False)[SEEDS].sum()
        table[SEEDS] = table[SEEDS].astype(int)
        columns = [names.PARAMS, names.TOKENS, SEEDS, names.FLOPS]
        object.__setattr__(self, "runs", table[columns])

    @property
    def cost(self) -> float:
        """Compute of all runs, in FLOP."""
        return float((self.runs[names.FLOPS] * self.runs[SEEDS]).sum())

    @property
    def n_runs(self) -> int:
        """Number of runs, replicates included."""
        return int(self.runs[SEEDS].sum())

    @classmethod
    def many_small(
        cls,
        budget: float | str,
        sizes: int = 6,
        seeds: int = 1,
        tokens_per_param: float = 20.0,
        span: float = 4.0,
    ) -> Plan:
        """Spread a budget over several sizes, evenly spaced in log params.

        Parameters
        ----------
        budget : compute in FLOP.
        sizes, seeds : settings, and runs of each.
        tokens_per_param : tokens of every run over its params.
        span : the largest size over the smallest.
        """
        _at_least_one(sizes=sizes, seeds=seeds)
        shares = np.geomspace(1.0, span**2, sizes)
        return cls._shared("many small", budget, shares, seeds, tokens_per_param)

    @classmethod
    def one_large(cls, budget: float | str, tokens_per_param: float = 20.0) -> Plan:
        """Spend a budget on a single run.

        Parameters
        ----------
        budget : compute in FLOP.
        tokens_per_param : tokens of the run over its params.
        """
        return cls._shared("one large", budget, np.ones(1), 1, tokens_per_param)

    @classmethod
    def ladder(
        cls,
        budget: float | str,
        sizes: int = 4,
        top: float = 0.86,
        tokens_per_param: float = 20.0,
    ) -> Plan:
        """Spend most of a budget on the top run, the rest on smaller runs that check it.

        Compute falls by one factor from run to run. The ladder loses almost nothing against a
        single run, and shows curvature and broken runs.

        Parameters
        ----------
        budget : compute in FLOP.
        sizes : runs.
        top : share of the budget for the top run.
        tokens_per_param : tokens of every run over its params.
        """
        _at_least_one(sizes=sizes)
        if sizes > 1 and not 1 / sizes < top < 1:
            raise TargetError(
                f"a ladder of {sizes} runs cannot have {top:g} of its cost in the top run; "
                f"expected a share above {1 / sizes:.2g} and below 1."
            )
        steps = np.arange(sizes)[::-1]
        ratio: Any = 1.0
        if sizes > 1:
            ratio = brentq(lambda r: (r**-steps).sum() - 1 / top, 1.0, 1e9)
        return cls._shared("ladder", budget, ratio**-steps, 1, tokens_per_param)

    @classmethod
    def more_seeds(cls, budget: float | str, params: float | str, tokens: float | str) -> Plan:
        """Repeat one setting with as many seeds as a budget pays for.

        Parameters
        ----------
        budget : compute in FLOP.
        params, tokens : the setting.
        """
        budget = _positive(budget, "more seeds", "budget")
        n, d = (_positive(v, "more seeds", "setting") for v in (params, tokens))
        seeds = int(budget // (6 * n * d))
        if seeds < 1:
            raise TargetError(
                f"a budget of {budget:.3g} FLOP does not pay for one run of {n:.3g} params on "
                f"{d:.3g} tokens, which costs {6 * n * d:.3g}; choose a smaller run."
            )
        return cls("more seeds", pd.DataFrame({"params": [n], "tokens": [d], "seeds": [seeds]}))

    @classmethod
    def _shared(
        cls, name: str, budget: float | str, shares: np.ndarray, seeds: int, ratio: float
    ) -> Plan:
        """Divide a budget by shares among settings of one number of tokens per parameter."""
        budget = _positive(budget, name, "budget")
        ratio = _positive(ratio, name, "tokens_per_param")
        compute = budget * shares / shares.sum() / seeds
        params = np.sqrt(compute / (6 * ratio))
        table = {"params": params, "tokens": ratio * params, "seeds": seeds}
        return cls(name, pd.DataFrame(table))

    def records(self) -> list[dict[str, Any]]:
        """Return the runs in the contract's JSON form."""
        columns = (self.runs[c].tolist() for c in (names.PARAMS, names.TOKENS, SEEDS))
        return [
            {names.PARAMS: n, names.TOKENS: d, SEEDS: seeds}
            for n, d, seeds in zip(*columns, strict=True)
        ]

    @property
    def settings(self) -> list[tuple[float, float, float]]:
        """Params, tokens and flops of each row of :attr:`runs`."""
        columns = (self.runs[c].tolist() for c in (names.PARAMS, names.TOKENS, names.FLOPS))
        return list(zip(*columns, strict=True))

    def __repr__(self) -> str:
        runs = ", ".join(
            f"{r['seeds']} x ({r['params']:.3g}, {r['tokens']:.3g})" for r in self.records()[:6]
        )
        return f"<Plan {self.name}: {self.cost:.3g} FLOP, {self.n_runs} runs: {runs}>"


def plans_from(table: pd.DataFrame) -> list[Plan]:
    """Return the plans of a table with columns plan, params, tokens and, if wanted, seeds.

    Parameters
    ----------
    table : one row per setting; rows of one ``plan`` belong together.

    Examples
    --------
    >>> table = pd.DataFrame({"plan": ["a", "a", "b"], "params": 1e9, "tokens": ["2B", "4B", "6B"]})
    >>> [(plan.name, plan.n_runs) for plan in plans_from(table)]
    [('a', 2), ('b', 1)]
    """
    if "plan" not in table:
        raise TargetError(
            f"the table of plans has columns {', '.join(map(str, table.columns))}; expected plan, "
            "params, tokens and perhaps seeds. Name each plan in the column plan."
        )
    return [Plan(str(name), rows) for name, rows in table.groupby("plan", sort=False)]


def _positive(value: Any, plan: str, what: str) -> float:
    try:
        return parse_quantity(value)
    except (RunsError, TypeError) as error:
        raise TargetError(f"plan '{plan}', {what}: {error}") from error


def _at_least_one(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise TargetError(f"{name} is {count}; expected at least 1.")
