"""Hoffmann et al. 2022: three approaches to the exponent of the optimal size."""

from __future__ import annotations

import numpy as np

from bayeslaw import names
from bayeslaw.estimators.envelope import fit_envelope
from bayeslaw.estimators.huber import fit_huber
from bayeslaw.estimators.isoflop import fit_parabolas, parabola_bias
from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, close, holds, near, within
from bayeslaw.replication.palm2 import TRUTH, sweep
from bayeslaw.replication.posterior import fitted
from bayeslaw.runs import Runs
from bayeslaw.runs.datasets import load_dataset
from bayeslaw.simulation import simulate

BUDGETS = np.array([6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21])
#: The exponent a of the optimal size, with the 80 % interval, by approach.
PRINTED = {1: Number(0.50, 0.488, 0.502, 0.8), 2: Number(0.49, 0.462, 0.534, 0.8),
           3: Number(0.46, 0.454, 0.455, 0.8)}  # fmt: skip
_EARLY = (
    "their optimiser averaged the loss over runs and so stopped before its optimum; the same "
    "points, fitted to the end, give .51 (arXiv:2404.10102)"
)


def training_curves(seed: int) -> Runs:
    """Simulate training curves: four lengths per size over a factor of 16, from the refitted law.

    The law stands for every checkpoint, as approach 1 assumes.
    """
    sizes = np.repeat(np.geomspace(7e7, 1.6e10, 14), 4)
    tokens = 20 * sizes * np.tile([0.5, 1.26, 3.17, 8.0], 14)
    truth = {n: getattr(TRUTH, n) for n in ("E", "A", "B", "alpha", "beta")}
    return simulate("chinchilla", truth, params=sizes, tokens=tokens, checkpoints=60,
                    run_sd=0.0015, checkpoint_sd=0.0005, seed=seed)  # fmt: skip


def _replicate(seed: int) -> list[Claim]:
    curves = fit_envelope(training_curves(seed), seed=seed)
    sizes = sweep(seed, BUDGETS, sizes=8)
    parabolas = fit_parabolas(*sizes, seed=seed)
    runs = load_dataset("chinchilla_epoch")
    without = load_dataset("chinchilla_epoch_240").table
    point = fit_huber(*(without[c].to_numpy() for c in (names.PARAMS, names.TOKENS, names.LOSS)))
    # Heavy tails instead of leaving five runs out by hand.
    made = fitted(runs, "chinchilla", seed)
    posterior = made.published(made.families[0])
    a = Number.of(posterior["beta"] / (posterior["alpha"] + posterior["beta"]), 0.8)
    bias = parabola_bias(TRUTH, BUDGETS, factor=2.0)
    n, d = without[names.PARAMS], without[names.TOKENS]
    printed = 1.69 + 406.4 * n**-0.34 + 410.7 * d**-0.28
    off = float(np.log(without[names.LOSS] / printed).mean())
    return [
        near("a, approach 1 (envelope), simulated", PRINTED[1].value,
             curves.posterior().power(level=0.8), 0.03, estimator=curves.exponent(0.8)),
        within("a, approach 2 (parabolas), simulated", PRINTED[2], parabolas.exponent(0.8),
               estimator=parabolas.line().power(level=0.8)),
        close("a, approach 3 (law), their runs", PRINTED[3], a,
              estimator=Number(point.size_exponent), note=_EARLY),
        holds("80 % interval of a, approach 3: ours over the printed one", Number(a.width / 0.001),
              a.width > 0.01, "the printed interval is at least ten times too narrow"),
        holds("bias of parabolas in a, without noise", Number(bias), abs(bias) < 0.02, "below .02"),
        holds("mean log residual of their runs from the printed, rounded constants", Number(off),
              abs(off + 0.0167) < 0.003, "-.0167, so the constants miss their own runs"),
    ]  # fmt: skip


SYSTEM = System(
    "hoffmann2022",
    "size and data grow in equal proportions: a is .50, .49 and .46 by three approaches",
    "arXiv:2203.15556",
    "chinchilla_epoch",
    "approaches 1 and 2: curves and sweeps simulated from the law of arXiv:2404.10102, the runs "
    "are not public; approach 3: 245 digitised runs (chinchilla_epoch); 80 % intervals",
    _replicate,
)
