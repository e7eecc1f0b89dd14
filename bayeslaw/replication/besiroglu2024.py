"""Besiroglu et al. 2024: the additive law refitted to points recovered from a figure."""

from __future__ import annotations

import numpy as np

from bayeslaw import names
from bayeslaw.estimators.huber import bootstrap_huber, fit_huber, interval
from bayeslaw.estimators.number import Number
from bayeslaw.model import Discrepancy
from bayeslaw.replication.claim import Claim, System, below, holds, near
from bayeslaw.replication.posterior import fitted, held_out, mean_error, number
from bayeslaw.runs.datasets import load_dataset

#: Estimate and bootstrap standard error, from their repository.
PRINTED = {
    "E": (1.81686, 0.02566),
    "A": (482.01, 124.5),
    "B": (2085.43, 1293.3),
    "alpha": (0.34781, 0.01540),
    "beta": (0.36585, 0.02060),
}
OBJECTIVE = 0.0010183


def _replicate(seed: int) -> list[Claim]:
    runs = load_dataset("chinchilla_epoch_240")
    columns = [runs.table[c].to_numpy() for c in (names.PARAMS, names.TOKENS, names.LOSS)]
    point = fit_huber(*columns)
    resampled = bootstrap_huber(*columns, count=200, seed=seed)
    made = fitted(runs, "chinchilla", seed)
    claims = [
        near("summed Huber loss at the optimum", OBJECTIVE, Number(point.objective), 5e-7),
        near("runs", 240, Number(len(runs)), 0),
    ]
    for symbol, (value, error) in PRINTED.items():
        ours = number(made, symbol)
        claims.append(
            Claim(
                symbol, Number(value, value - 1.645 * error, value + 1.645 * error), ours,
                abs(ours.value - value) <= error, "within one printed standard error",
                estimator=interval(resampled, symbol),
            )
        )  # fmt: skip
    posterior = made.published(made.families[0])
    a = Number.of(posterior["beta"] / (posterior["alpha"] + posterior["beta"]))
    claims.append(near("a, the exponent of the optimal size", 0.513, a, 0.020,
                       estimator=interval(resampled, "size_exponent")))  # fmt: skip
    ratio = _ratio(posterior, 5.76e23)
    claims.append(
        Claim("tokens per parameter at 5.76e23 FLOP", Number(point.tokens_per_parameter(5.76e23)),
              ratio, ratio.holds(20.0), "our 90 % interval holds 20",
              note="the paper's notebook prints 25.7, an indexing slip; its constants give 18")
    )  # fmt: skip
    train, hidden = runs.split("flops < 1e21")
    # A forecast does not trust the law as the comparison of constants does.
    card = held_out(fitted(train, "chinchilla", seed, discrepancy=Discrepancy()), hidden, seed)
    claims.append(
        below("error on the 23 runs from 1e21 FLOP on, fitted below, %", 1.1, mean_error(card))
    )
    inside = int(card["held"].sum())
    claims.append(
        holds("of those 23, inside 90 % intervals", Number(inside), 19 <= inside <= 23, "19 to 23")
    )
    return claims


def _ratio(posterior: dict, flops: float) -> Number:
    e, a, b = (posterior[n].values for n in ("E", "A", "B"))
    alpha, beta = posterior["alpha"].values, posterior["beta"].values
    assert e.shape == a.shape
    g = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    best = g * (flops / 6) ** (beta / (alpha + beta))
    return Number.of(np.asarray(flops / 6 / best**2))


SYSTEM = System(
    "besiroglu2024",
    "Chinchilla's law refitted: E 1.82, alpha .35, beta .37, twenty tokens per parameter",
    "arXiv:2404.10102",
    "chinchilla_epoch_240",
    "240 runs of Hoffmann et al., digitised by Epoch AI (chinchilla_epoch_240)",
    _replicate,
)
