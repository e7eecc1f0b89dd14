"""Porian 2024: five corrections that lead from Kaplan's exponent to Hoffmann's."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from bayeslaw.estimators.interpolation import Interpolated, SeedNoise, interpolate_optima
from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, holds, near, within
from bayeslaw.runs.datasets import dataset_frame

Interval = tuple[float, float, float]
#: Step, its condition, and a with its 95 % interval on RefinedWeb and OpenWebText2.
STEPS: tuple[tuple[str, str, Interval, Interval], ...] = (
    ("Kaplan reproduced", "hp-base|warm-long|decay-kaplan|count-kaplan|loss-train",
     (0.835, 0.824, 0.846), (0.864, 0.819, 0.897)),
    ("last layer counted", "hp-base|warm-long|decay-kaplan|count-standard|loss-val",
     (0.706, 0.691, 0.717), (0.699, 0.664, 0.724)),
    ("warm-up corrected", "hp-base|warm-short|decay-kaplan|count-standard|loss-val",
     (0.602, 0.591, 0.617), (0.603, 0.570, 0.629)),
    ("decay to the length", "hp-base|warm-short|decay-chinchilla|count-standard|loss-val",
     (0.571, 0.560, 0.589), (0.574, 0.542, 0.606)),
    ("optimiser tuned", "hp-tuned|warm-short|decay-const|count-standard|loss-val",
     (0.497, 0.491, 0.505), (0.518, 0.493, 0.541)),
)  # fmt: skip
#: Seed noise in nats at low and at high losses.
NOISE = {"rw": (0.002, 0.05), "owt2": (0.01, 0.1)}
TITLES = {"rw": "RefinedWeb", "owt2": "OpenWebText2"}
FAR = 5.88e23
SIZES = {"rw": (76.9e9, 70.0e9, 86.4e9), "owt2": (98.8e9, 68.8e9, 140.7e9)}


def _replicate(seed: int) -> list[Claim]:
    table = dataset_frame("porian")
    claims = []
    for corpus in SIZES:
        found = []
        for title, condition, *intervals in STEPS:
            rows = table[table["condition"] == f"{corpus}|{condition}"]
            low, high = NOISE[corpus]
            printed, least, most = dict(zip(SIZES, intervals, strict=True))[corpus]
            as_run, meant = (
                interpolate_optima(
                    rows["N"], rows["flops"], rows["loss"],
                    noise=SeedNoise(low, high, as_run=slip), seed=seed,
                )
                for slip in (True, False)
            )  # fmt: skip
            found.append(meant)
            claims.append(
                within(f"a, {TITLES[corpus]}, {title}", Number(printed, least, most, 0.95),
                       meant.exponent(), estimator=as_run.exponent())
            )  # fmt: skip
        claims += _order(TITLES[corpus], found)
        claims.append(
            within(f"size at 5.88e23 FLOP, {TITLES[corpus]}, tuned", Number(*SIZES[corpus], 0.95),
                   found[-1].optimum(FAR), estimator=as_run.optimum(FAR))
        )  # fmt: skip
        if corpus == "rw":
            claims.append(_floor(found[-1]))
    return claims


def _order(corpus: str, found: list[Interpolated]) -> list[Claim]:
    draws = [f.exponent_draws() for f in found]
    surely = min(float(np.mean(a > b)) for a, b in pairwise(draws[:4]))
    bound = 0.99 if corpus == "RefinedWeb" else 0.5  # the other corpus has fewer runs
    return [
        holds(f"probability that each of three corrections lowers a, {corpus}, least",
              Number(surely), surely > bound, f"above {bound:g}")
    ]  # fmt: skip


def _floor(optima: Interpolated) -> Claim:
    """Fit the loss at the optimum; weighted, the published fit stays where it starts."""
    seen = (optima.flops > 1e16) & (optima.flops < 5e17)
    c, y = np.log(optima.flops[seen]), np.log(optima.losses[seen])

    def law(c: np.ndarray, a: float, e: float, alpha: float) -> np.ndarray:
        return np.logaddexp(a - alpha * c, e)

    starts = [(a, e, alpha) for a in (5, 10) for e in (-0.5, 0.0, 0.5) for alpha in (0.1, 0.2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # of the covariance, which is not used
        fits = [curve_fit(law, c, y, p0=start, maxfev=20_000)[0] for start in starts]
    best = min(fits, key=lambda theta: float(((law(c, *theta) - y) ** 2).sum()))
    return near("E of the loss at the optimum, RefinedWeb, tuned, unweighted", 2.006,
                Number(float(np.exp(best[1]))), 0.25)  # fmt: skip


SYSTEM = System(
    "porian2024",
    "the exponent of the optimal size falls from .84 to .50 as five faults are corrected",
    "arXiv:2406.19146",
    "porian",
    "isoFLOP grids of 12 budgets and 16 sizes under ten conditions (porian); 95 % intervals. "
    "Ours: seed noise by the loss, as was meant; 'its estimator': as run, where a logarithm gave "
    "every run the least noise",
    _replicate,
)
