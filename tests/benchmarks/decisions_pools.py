"""Plans from pools of real runs: what choosing the next runs is worth at the largest ones."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayeslaw import names
from tests.benchmarks.labs_cards import ladder, learned
from tests.benchmarks.ladders import fitted_quietly
from tests.benchmarks.report import Row, Section, at_least, between, shown

if TYPE_CHECKING:
    from bayeslaw.model import Spec
    from bayeslaw.runs import Runs
    from tests.benchmarks.decisions_sizes import Sizes

TITLE = "Plans from pools of real runs"
SETS = ("datablations", "gadre_overtrain", "olmo_ladder", "gemstones", "porian")
# Conditions with one run per point; the others read many budgets off one run.
PORIAN = "decay-chinchilla"
BASE, HIDDEN = 8, 3.0  # cheapest runs known at the start; hidden is all within this of the dearest
SHARES = (0.03, 0.12)  # budgets, as shares of what the rest of the pool costs
LEAST_BETTER, FACTOR = 0.8, 1.5
RATIOS = (5.0, 200.0)  # tokens per parameter of hidden runs that are scored


@dataclass(frozen=True)
class Trial:
    """One way to spend one budget in one pool."""

    pool: str
    share: float
    way: str
    spent: float
    rms: float
    bias: float
    sd: float


def run(sizes: Sizes, cores: int) -> Section:
    """Spend each budget in each pool in every way."""
    trials: list[Trial] = []
    for dataset in SETS:
        runs = ladder(dataset).last()
        for family in runs.families:
            if dataset == "porian" and PORIAN not in family:
                continue
            own = runs.drop(runs.table.index[runs.table[names.FAMILY] != family])
            spec = learned(str(own.table[names.LAB].iloc[0]))
            for share in SHARES:
                trials += spent(own, family, spec, share, sizes)
                print(*trials[-4:], sep="\n", file=sys.stderr, flush=True)
    return Section(6, TITLE, tuple(rows(trials)), _NOTES)


_NOTES = (
    f"Known at the start: the {BASE} cheapest runs of a family; hidden: those within {HIDDEN:g} "
    "times the largest compute. Error: root mean square of the relative error of the hidden runs "
    "that have 5 to 200 tokens per parameter; random: mean over plans of the same budget.",
    "Priors of each lab were learned without it.",
)


def spent(runs: Runs, family: str, spec: Spec, share: float, sizes: Sizes) -> list[Trial]:
    """Spend one budget in every way, refit, and look at the hidden runs."""
    from bayeslaw.design import best_plan
    from bayeslaw.prediction import Target

    table = runs.table
    order = table[names.FLOPS].sort_values(kind="stable").index
    hidden = table[names.FLOPS] > table[names.FLOPS].max() / HIDDEN
    base = [i for i in order if not hidden[i]][:BASE]
    pool = [i for i in order if not hidden[i] and i not in base]
    ratio = table[names.TOKENS] / table[names.PARAMS]
    scored = [i for i in table.index if hidden[i] and RATIOS[0] <= ratio[i] <= RATIOS[1]]
    budget = share * float(table.loc[pool, names.FLOPS].sum())
    top = table.loc[max(scored, key=lambda i: table.loc[i, names.FLOPS])]
    target = Target(top[names.PARAMS], top[names.TOKENS], family)

    start = fitted_quietly(taken(runs, base), spec, sizes.effort, 1, 0)
    rest = table.loc[pool, [names.PARAMS, names.TOKENS, names.FLOPS]]
    settings = rest.groupby(list(rest.columns), sort=False).size().rename("seeds").reset_index()
    plan = best_plan(start, budget, target=target, pool=settings)
    ways = {
        "planned": found(plan.rows, rest),
        "cheapest first": cheapest(rest, budget),
        "largest": largest(rest, budget),
    }
    rng = np.random.default_rng(17)
    ways |= {f"random {i}": random(rest, budget, rng) for i in range(sizes.random_plans)}
    out = []
    for way, chosen in {"nothing": [], **ways}.items():
        fitted = fitted_quietly(taken(runs, [*base, *chosen]), spec, sizes.effort, 1, 0)
        errors, sds = looked_at(fitted, taken(runs, scored))
        cost = float(table.loc[chosen, names.FLOPS].sum()) / budget if chosen else 0.0
        rms = float(np.sqrt((errors**2).mean()))
        out.append(Trial(family, share, way, cost, rms, float(errors.mean()),
                         float(np.sqrt((sds**2).mean()))))  # fmt: skip
    return out


def taken(runs: Runs, rows: list[int]) -> Runs:
    """Return some rows of a table."""
    return runs.drop([i for i in runs.table.index if i not in set(rows)])


def looked_at(fitted, hidden: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Return relative errors of the median and s.d. of log loss of hidden runs."""
    import warnings

    from bayeslaw.prediction import forecast

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = forecast(fitted, hidden)
    logs = np.log(made.draws.values.reshape(-1, len(hidden)))
    errors = np.median(logs, axis=0) - np.log(hidden.table[names.LOSS].to_numpy())
    return errors, logs.std(axis=0)


def found(chosen, rest: pd.DataFrame) -> list[int]:
    """Return rows of the pool for a plan's settings, as many as it has seeds."""
    out: list[int] = []
    for row in chosen:
        same = rest[(rest[names.PARAMS] == row.params) & (rest[names.TOKENS] == row.tokens)]
        out += same.index[: row.seeds].tolist()
    return out


def cheapest(rest: pd.DataFrame, budget: float) -> list[int]:
    """Take runs in the order of their cost while they can be paid."""
    total, out = 0.0, []
    for i in rest[names.FLOPS].sort_values(kind="stable").index:
        total += rest.loc[i, names.FLOPS]
        if total > budget:
            break
        out.append(i)
    return out


def largest(rest: pd.DataFrame, budget: float) -> list[int]:
    """Take the single largest run that can be paid."""
    paid = rest[rest[names.FLOPS] <= budget]
    return [paid[names.FLOPS].idxmax()] if len(paid) else []


def random(rest: pd.DataFrame, budget: float, rng: np.random.Generator) -> list[int]:
    """Take runs in random order, each if it can still be paid."""
    left, out = budget, []
    for i in rng.permutation(rest.index.to_numpy()):
        if rest.loc[i, names.FLOPS] <= left:
            left -= rest.loc[i, names.FLOPS]
            out.append(int(i))
    return out


def rows(trials: list[Trial]) -> list[Row]:
    """Return the rows of the report."""
    out: list[Row] = []
    better, ratios = [], []
    for pool, share in dict.fromkeys((t.pool, t.share) for t in trials):
        own = [t for t in trials if (t.pool, t.share) == (pool, share)]
        by = {t.way: t for t in own}
        chance = [t.rms for t in own if t.way.startswith("random")]
        planned = by["planned"]
        better.append(planned.rms <= np.mean(chance))
        ratios.append(planned.sd / planned.rms)
        words = ", ".join(
            f"{name} {100 * by[name].rms:.2f}" for name in ("nothing", "cheapest first", "largest")
        )
        out.append(
            shown(
                f"{pool}, {share:.0%} of the pool: planned {100 * planned.rms:.2f}, random "
                f"{100 * np.mean(chance):.2f} ({100 * min(chance):.2f} to "
                f"{100 * max(chance):.2f}), {words}; s.d. {100 * planned.sd:.2f}, bias "
                f"{100 * planned.bias:+.2f}; planned over random",
                planned.rms / np.mean(chance),
            )
        )
    planned = [t for t in trials if t.way == "planned"]
    out.append(
        at_least(f"planned no worse than random, of {len(better)}", np.mean(better), LEAST_BETTER)
    )
    whole = np.sqrt(np.mean([t.sd**2 for t in planned]) / np.mean([t.rms**2 for t in planned]))
    out.append(between("predicted s.d. over realised RMS error, all", whole, 1 / FACTOR, FACTOR))
    inside = np.mean([1 / FACTOR <= r <= FACTOR for r in ratios])
    out.append(shown("share of pools and budgets within that factor on their own", inside))
    return out
