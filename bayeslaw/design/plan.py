"""Plans: candidate runs and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from bayeslaw import names
from bayeslaw.design.rows import COLUMNS, EXTRA, SEEDS, Row, checked, positive
from bayeslaw.errors import TargetError


@dataclass(frozen=True, eq=False)
class Plan:
    """Training runs that could be bought.

    Attributes
    ----------
    name : what to call the plan.
    rows : the same as :attr:`runs`.
    runs : one row per observed loss with columns params, tokens and seeds (how many runs that
        differ in their seed). A column flops, compute per run, replaces 6 x params x tokens.
        Rows of one label in a column run are checkpoints of one run, which costs what its longest
        row costs; a label of the fit continues that run. A column extra holds compute of a run
        besides flops, below zero if it was paid before. Rows without a family belong to the
        target's.

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
    rows: tuple[Row, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Keep a private, checked copy with one row per setting."""
        rows = checked(self.name, self.runs)
        object.__setattr__(self, "rows", rows)
        columns = {c: [getattr(r, c) for r in rows] for c in COLUMNS}
        object.__setattr__(self, "runs", pd.DataFrame(columns))

    @property
    def _longest(self) -> list[Row]:
        """The last checkpoint of every run; rows of replicate runs stand for themselves."""
        own = [r for r in self.rows if not r.run]
        labels = dict.fromkeys(r.run for r in self.rows if r.run)
        return own + [
            max((r for r in self.rows if r.run == label), key=lambda r: r.flops) for label in labels
        ]

    @property
    def cost(self) -> float:
        """Compute of all runs, in FLOP; of a run that goes on, what is left to pay."""
        return float(sum((r.flops + r.extra) * r.seeds for r in self._longest))

    @property
    def n_runs(self) -> int:
        """Number of training runs, replicates included."""
        return sum(r.seeds for r in self._longest)

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
        budget = positive(budget, "more seeds", "budget")
        n, d = (positive(v, "more seeds", "setting") for v in (params, tokens))
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
        budget = positive(budget, name, "budget")
        ratio = positive(ratio, name, "tokens_per_param")
        compute = budget * shares / shares.sum() / seeds
        params = np.sqrt(compute / (6 * ratio))
        table = {"params": params, "tokens": ratio * params, "seeds": seeds}
        return cls(name, pd.DataFrame(table))

    @classmethod
    def halves(cls, budget: float | str, tokens_per_param: float = 20.0) -> Plan:
        """Spend a budget on two runs of one setting that differ in their seed.

        Parameters
        ----------
        budget : compute in FLOP.
        tokens_per_param : tokens of the runs over their params.
        """
        return cls._shared("two halves", budget, np.ones(1), 2, tokens_per_param)

    @classmethod
    def diverse(
        cls,
        budget: float | str,
        runs: int = 10,
        tokens_per_param: float = 20.0,
        spread: float = 4.0,
    ) -> Plan:
        """Divide a budget evenly among runs that differ in their tokens per parameter.

        Parameters
        ----------
        budget : compute in FLOP.
        runs : how many.
        tokens_per_param : of the middle run.
        spread : the ends have so many times more, and less.
        """
        _at_least_one(runs=runs)
        budget = positive(budget, "diverse", "budget")
        ratios = positive(tokens_per_param, "diverse", "tokens_per_param") * np.geomspace(
            1 / spread, spread, runs
        )
        params = np.sqrt(budget / runs / (6 * ratios))
        return cls("diverse", pd.DataFrame({"params": params, "tokens": ratios * params}))

    @classmethod
    def half_way(
        cls, budget: float | str, tokens_per_param: float = 20.0, decay: float = 0.1
    ) -> Plan:
        """Spend a budget on a single run and on a branch of it that ends half-way.

        Before its learning rate has come down a run lies above its family's curve, so the branch
        is decayed; that costs a share of the tokens it has seen.

        Parameters
        ----------
        budget : compute in FLOP.
        tokens_per_param : tokens of the whole run over its params.
        decay : length of the branch, as a share of half the tokens.
        """
        budget = positive(budget, "half-way checkpoint", "budget")
        branch = decay / 2
        (row,) = cls.one_large(budget / (1 + branch), tokens_per_param).rows
        table = {"params": row.params, "tokens": [row.tokens / 2, row.tokens]}
        table |= {"run": "half-way", "extra": branch * row.flops}
        return cls("half-way checkpoint", pd.DataFrame(table))

    @classmethod
    def longer(
        cls,
        budget: float | str,
        run: str,
        params: float | str,
        tokens: float | str,
        family: str | None = None,
    ) -> Plan:
        """Train a run of the fit on, for as long as a budget pays.

        Parameters
        ----------
        budget : compute in FLOP for the rest.
        run : its label.
        params, tokens : its size, and the tokens it has seen.
        family : its family; the target's unless given.
        """
        budget = positive(budget, "longer training", "budget")
        n, d = (positive(v, "longer training", "setting") for v in (params, tokens))
        table = {"params": n, "tokens": d + budget / (6 * n), "run": run, "extra": -6 * n * d}
        if family is not None:
            table["family"] = family
        return cls("longer training", pd.DataFrame([table]))

    def each(self, families: Iterable[str]) -> Plan:
        """Return the plan with the rows that name no family trained once in each of several.

        Parameters
        ----------
        families : such as the candidates of a choice.
        """
        families = list(families)
        made = [r for r in self.rows if r.family]
        for family in families:
            for r in self.rows:
                if not r.family:
                    label = f"{r.run} {family}" if r.run and len(families) > 1 else r.run
                    made.append(replace(r, family=family, run=label))
        return Plan(self.name, pd.DataFrame([vars(r) for r in made]))

    def records(self) -> list[dict[str, Any]]:
        """Return the runs in the contract's JSON form; what is not the rule is added to it."""
        out = []
        for r in self.rows:
            record = {names.PARAMS: r.params, names.TOKENS: r.tokens, SEEDS: r.seeds}
            if abs(r.flops - 6.0 * r.params * r.tokens) > 1e-9 * r.flops:
                record[names.FLOPS] = r.flops
            rest = {names.FAMILY: r.family, names.RUN: r.run, EXTRA: r.extra}
            out.append(record | {k: v for k, v in rest.items() if v})
        return out

    def __repr__(self) -> str:
        runs = ", ".join(
            f"{r['seeds']} x ({r['params']:.3g}, {r['tokens']:.3g})" for r in self.records()[:6]
        )
        return f"<Plan {self.name}: {self.cost:.3g} FLOP, {self.n_runs} runs: {runs}>"


def plans_from(table: pd.DataFrame) -> list[Plan]:
    """Return the plans of a table with columns plan, params, tokens and, if wanted, others.

    Parameters
    ----------
    table : one row per setting; rows of one ``plan`` belong together. See :class:`Plan` for the
        columns seeds, flops, family, run and extra.

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


def _at_least_one(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise TargetError(f"{name} is {count}; expected at least 1.")
