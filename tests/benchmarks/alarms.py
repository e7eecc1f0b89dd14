"""Broken runs: how often clean tables raise an alarm, and how often planted faults are found.

    uv run python -m tests.benchmarks.alarms [--clean N] [--planted N]

Simulated ladders of one family, twelve runs, Gaussian or heavy-tailed noise by turns.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom

from bayeslaw.errors import BayeslawWarning
from bayeslaw.inference import fit
from bayeslaw.runs import Runs, load_runs
from bayeslaw.scoring import Outliers, outliers
from bayeslaw.simulation import simulate

TRUTH = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
LOW_LOSS = {**TRUTH, "E": 0.4, "A": 60.0, "B": 60.0}
_ROW = 6


def ladder(seed: int, truth: dict[str, float] = TRUTH) -> Runs:
    """Return six sizes at two ratios of tokens to parameters, without faults."""
    sizes = np.repeat(np.geomspace(3e7, 1e9, 6), 2)
    tails = 4.0 if seed % 2 else None
    return simulate("chinchilla", truth, params=sizes, tokens=sizes * np.tile([10.0, 60.0], 6),
                    tails=tails, seed=seed)  # fmt: skip


def _scaled(factor: float, *rows: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def plant(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[list(rows or (_ROW,)), "loss"] *= factor
        return table

    return plant


def _perplexity(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[_ROW, "loss"] = np.exp(table.loc[_ROW, "loss"])
    return table


def _swapped(table: pd.DataFrame) -> pd.DataFrame:
    pair = table.loc[_ROW + 1, ["tokens", "params"]].to_numpy(copy=True)
    table.loc[_ROW + 1, ["params", "tokens"]] = pair
    return table


def _thousandth(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[_ROW, ["tokens", "flops"]] /= 1e3
    return table


def _copied(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.loc[[_ROW]].assign(run="again")], ignore_index=True)


#: From a fault to its planting, the rows that are broken and what it is to be called.
FAULTS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[int], set[str]]] = {
    "bits": (_scaled(1 / np.log(2)), [_ROW], {"unit"}),
    "perplexity": (_perplexity, [_ROW], {"unit"}),
    "diverged": (_scaled(1.6), [_ROW], {"diverged"}),
    "under-tuned": (_scaled(1.06), [_ROW], {"too-high"}),
    "tokenizer": (_scaled(0.9), [_ROW], {"too-low"}),
    "two of another tokenizer": (_scaled(0.9, 3, 8), [3, 8], {"offset"}),
    "swapped": (_swapped, [_ROW + 1], {"swapped"}),
    "tokens in thousands": (_thousandth, [_ROW], {"unit"}),
    "copied": (_copied, [12], {"copy"}),
}


def planted(fault: str, seed: int) -> Runs:
    """Return a ladder with a fault; losses that a loader would take for perplexities are low."""
    low = fault == "perplexity"
    table = ladder(seed, LOW_LOSS if low else TRUTH).table.copy()
    return load_runs(FAULTS[fault][0](table))


def looked_at(runs: Runs, seed: int) -> Outliers:
    """Fit a table and look for broken runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        return outliers(fit(runs, engine="quadrature", draws=250, cores=1, retry=False, seed=seed))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rate of false alarms and, by fault, how often it was found and named."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.alarms",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clean", type=int, default=200, help="clean tables (200)")
    parser.add_argument("--planted", type=int, default=20, help="tables per fault (20)")
    chosen = parser.parse_args(arguments)
    alarms = 0
    for seed in range(chosen.clean):
        found = looked_at(ladder(seed), seed)
        alarms += bool(len(found.table))
    most = binom.ppf(0.99, chosen.clean, 0.05)
    print(f"clean: {alarms} of {chosen.clean} tables raised an alarm (at most {most:.0f} expected)")
    for fault, (_, rows, called) in FAULTS.items():
        hit = named = extra = 0
        for seed in range(chosen.planted):
            found = looked_at(planted(fault, seed), seed)
            hit += set(rows) <= set(found.rows)
            extra += bool(set(found.rows) - set(rows))
            named += set(rows) <= set(found.rows) and set(found.table["fault"]) <= called
        n = chosen.planted
        print(f"{fault}: found {hit} of {n}, named rightly {named}; with others {extra}")


if __name__ == "__main__":
    main()
