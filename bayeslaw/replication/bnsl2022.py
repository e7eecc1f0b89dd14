"""Caballero et al. 2022: power laws that break, and what is beyond a sharp break."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.estimators.curves import fit_curve, rmsle
from bayeslaw.estimators.number import Number
from bayeslaw.inference import Fit
from bayeslaw.model import Noise
from bayeslaw.replication.claim import Claim, System, below, holds, near
from bayeslaw.replication.posterior import fitted
from bayeslaw.runs import load_runs
from bayeslaw.runs.datasets import dataset_frame

#: RMSLE on the three largest of 17 points of 4-digit addition.
PRINTED = {"BNSL": 0.039, "last": 0.417}
BREAKS = (1, 2)
NOISE = Noise(run=(0.002, 0.10), tails=4.0)
#: A fall this sharp is outside what the laws expect of a curve.
SHARP = {"E": (1e-4, 0.5), "g1": (0.5, 1e4), "f1": (0.01, 1.0), "d1": (0.3, 5.0),
         "c0": (0.005, 0.5)}  # fmt: skip


def _replicate(seed: int) -> list[Claim]:
    table = dataset_frame("bnsl_addition")
    x, y = table["train_examples"].to_numpy(float), table["test_cross_entropy"].to_numpy(float)
    seen = table["fit"].to_numpy() == 1
    claims = []
    for kind, value in PRINTED.items():
        found = Number(rmsle(fit_curve(x[seen], y[seen], kind), x[~seen], y[~seen]))
        claims.append(
            below("RMSLE of one break by least squares on logarithms", value, found)
            if kind == "BNSL" else near("RMSLE of the last value", value, found, 0.005)
        )  # fmt: skip
    runs = load_runs(pd.DataFrame({names.FAMILY: "addition", names.PARAMS: 1e7,
                                   names.TOKENS: 1e3 * x[seen], names.LOSS: y[seen]}))  # fmt: skip
    fits = [fitted(runs, f"bnsl{n}", seed, priors=SHARP, noise=NOISE) for n in BREAKS]
    elpd = np.array([_left_out(made) for made in fits])
    weight = np.exp(elpd - elpd.max())
    weight /= weight.sum()
    rng = np.random.default_rng(seed)
    parts = [_curve(made, 1e3 * x[~seen]) for made in fits]
    pick = [p[rng.integers(0, len(p), round(4000 * w))] for p, w in zip(parts, weight, strict=True)]
    draws = np.concatenate(pick)
    off = np.log(np.median(draws, axis=0) / y[~seen])
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    inside = int(((low <= y[~seen]) & (y[~seen] <= high)).sum())
    claims.append(
        below("RMSLE of the posterior, averaged over one and two breaks, against persistence",
              PRINTED["last"], Number(float(np.sqrt(np.mean(off**2)))),
              note=f"two breaks get the weight {weight[1]:.2f}")
    )  # fmt: skip
    claims.append(
        holds("of three points beyond, inside 90 % intervals", Number(inside), inside >= 2,
              "2 or more")
    )  # fmt: skip
    return claims


def _left_out(made: Fit) -> float:
    """Return the leave-one-out log score by importance weights."""
    values = made.log_likelihood["loss"].values
    flat = values.reshape(-1, values.shape[-1])
    top = (-flat).max(0)
    return float(-(np.log(np.exp(-flat - top).mean(0)) + top).sum())


def _curve(made: Fit, x: np.ndarray) -> np.ndarray:
    inner = {n: made.posterior[n].values.ravel()[:, None] for n in made.law.parameter_names}
    curve = made.law({"tokens": x / made.layout.references["tokens"]}, inner)
    rng = np.random.default_rng(1)
    return curve * np.exp(made.posterior["run_sd"].values.ravel()[:, None]
                          * rng.standard_t(4, curve.shape))  # fmt: skip


SYSTEM = System(
    "bnsl2022",
    "a smoothly broken power law extrapolates past a sharp break",
    "arXiv:2210.14891",
    "bnsl_addition",
    "test loss of 4-digit addition at 17 amounts of data, the last three hidden (bnsl_addition)",
    _replicate,
)
