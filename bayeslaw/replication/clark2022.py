"""Clark et al. 2022: experts help less the larger the model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.estimators.number import Number
from bayeslaw.model import Discrepancy
from bayeslaw.replication.claim import Claim, System, below, close, holds
from bayeslaw.replication.posterior import doubt, fitted, held_out, mean_error, number
from bayeslaw.runs import Runs
from bayeslaw.runs.datasets import load_dataset

#: Least squares on log10 of the loss over the same final losses: a, b, c by router.
LEAST_SQUARES = {
    "S-Base": {"a": -0.0847, "b": -0.129, "c": 0.0111},
    "RL-R": {"a": -0.0842, "b": -0.134, "c": 0.0123},
    "Hash": {"a": -0.0898, "b": -0.155, "c": 0.0143},
}
ERROR = 4.2  #: per cent, of that fit, from runs below 3e8 to 1.3e9


def routers() -> Runs:
    """Load the last loss of every run, each router one family with the dense runs as one expert."""
    runs = load_dataset("gdm_routing").last()
    table = runs.table
    dense = table[table["router_type"] == "Dense"]
    parts = []
    for router in LEAST_SQUARES:
        both = pd.concat([dense, table[table["router_type"] == router]])
        parts.append(both.assign(**{
            names.FAMILY: router, names.LAB: router, names.RUN: router + "/" + both[names.RUN],
            names.FLOPS: 6 * both[names.PARAMS] * both[names.TOKENS],
        }))  # fmt: skip
    return runs.replace_table(pd.concat(parts, ignore_index=True))


def _replicate(seed: int) -> list[Claim]:
    runs = routers()
    made = fitted(runs, "clark", seed)
    claims = []
    for router, values in LEAST_SQUARES.items():
        for symbol, value in values.items():
            claims.append(close(f"{symbol}, {router}", value, number(made, symbol, router)))
    train, hidden = runs.split("params < 3e8")
    hidden = hidden.where("params > 1e9")
    short = fitted(train, "clark", seed, discrepancy=Discrepancy())
    card = held_out(short, hidden, seed)
    claims.append(
        below(f"error on {len(hidden)} runs of 1.3B from {len(train)} below 300M, %", ERROR,
              mean_error(card), note=doubt(short))
    )  # fmt: skip
    saved = gain(made, "S-Base", 1.3e9, 64.0)
    claims.append(
        holds("share of the dense loss that 64 experts save at 1.3B, S-Base", saved,
              saved.low is not None and saved.low > 0, "above 0: routed beats dense there")
    )  # fmt: skip
    claims.append(_vanishes(made))
    return claims


def _vanishes(made) -> Claim:
    """Return the size at which more experts stop helping S-Base."""
    p = made.published("S-Base")
    size = Number.of(10 ** (-p["b"].values / p["c"].values))
    return holds(
        "size at which routing stops helping, S-Base",
        size,
        size.low is not None and size.low > 1.3e9,
        "beyond every model trained",
        note="where routing stops helping is far beyond the largest model, 1.3B",
    )


def gain(made, router: str, params: float, experts: float) -> Number:
    """Return how far experts lower the loss at a size, as a fraction of the dense loss."""
    law, inner = made.law, {n: made.posterior[n].sel(family=router).values.ravel()
                            for n in made.law.parameter_names}  # fmt: skip
    at = params / made.layout.references["params"]
    routed = law({"params": at, "experts": experts}, inner)
    return Number.of(1 - np.asarray(routed / law({"params": at, "experts": 1.0}, inner)))


SYSTEM = System(
    "clark2022",
    "log loss is linear in log size, log experts and their product",
    "arXiv:2202.01169",
    "gdm_routing",
    "final losses of dense and routed models, one expert per token, every second layer "
    "(gdm_routing); the paper's own table was not readable: its law by least squares stands in",
    _replicate,
)
