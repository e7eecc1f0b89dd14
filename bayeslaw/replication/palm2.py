"""PaLM 2: parabolas at four budgets, and data and size in equal proportions."""

from __future__ import annotations

import numpy as np

from bayeslaw.estimators.huber import Additive
from bayeslaw.estimators.isoflop import fit_parabolas, parabola_bias
from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, close, holds

#: The refit of arXiv:2404.10102 stands for the truth: PaLM 2 prints no losses.
TRUTH = Additive(E=1.81686, A=482.01, B=2085.43, alpha=0.34781, beta=0.36585, objective=0.0)
BUDGETS = np.array([1e19, 1e20, 1e21, 1e22])
NOISE = 0.005  #: s.d. of the loss of one run, nats


def sweep(seed: int, budgets: np.ndarray = BUDGETS, sizes: int = 6) -> tuple[np.ndarray, ...]:
    """Simulate a sweep: sizes from half to twice a size near the optimum, as in their figure."""
    rng = np.random.default_rng(seed)
    c = np.repeat(budgets, sizes)
    middle = np.sqrt(c / 6 / 20) * np.exp(0.1 * rng.standard_normal(len(budgets))).repeat(sizes)
    n = middle * np.tile(np.geomspace(0.48, 2.1, sizes), len(budgets))
    return n, c, TRUTH(n, c / 6 / n) + NOISE * rng.standard_normal(len(c))


def _replicate(seed: int) -> list[Claim]:
    n, c, loss = sweep(seed)
    fit = fit_parabolas(n, c, loss, seed=seed)
    a = fit.exponent()
    bias = parabola_bias(TRUTH, BUDGETS)
    others = [fit_parabolas(*sweep(1000 + i), draws=1000).exponent() for i in range(100)]
    held = np.mean([o.holds(TRUTH.size_exponent) for o in others])
    small = _gap(n, c, loss, fit)
    return [
        close("a, 'equal proportions'", 0.5, a, estimator=fit.line().power()),
        close("a, the truth of the simulation", Number(TRUTH.size_exponent), a),
        holds("width of the 90 % interval of a", Number(a.width), a.width > 0.05, "above .05"),
        holds("share of 100 sweeps whose interval holds the truth", Number(held),
              0.8 <= held <= 0.98, ".80 to .98"),
        holds("bias of parabolas in a, without noise", Number(bias), abs(bias) < 0.02, "below .02"),
        holds("loss of 16.1B over that of 9.5B at 1e22 FLOP, nats", small,
              small.low is not None and small.low < NOISE, "less than a run's noise is possible",
              note="so near the optimum a run of 16.1B is the better one with the probability "
              f"{_better(small):.2f}: the order of losses does not settle the order of tasks"),
    ]  # fmt: skip


def _gap(n: np.ndarray, c: np.ndarray, loss: np.ndarray, fit) -> Number:
    """Return the loss gap between two sizes by the parabola through draws of its optimum."""
    mine = c == BUDGETS[-1]
    x = np.log(n[mine])
    curvature = np.polyfit(x, loss[mine], 2)[0]
    lowest = np.log(fit.draws[:, -1])
    gap = curvature * ((np.log(16.1e9) - lowest) ** 2 - (np.log(9.5e9) - lowest) ** 2)
    return Number.of(gap)


def _better(gap: Number) -> float:
    from scipy.stats import norm

    spread = np.hypot(gap.width / 3.29, NOISE * np.sqrt(2))
    return float(norm.cdf(-gap.value / spread))


SYSTEM = System(
    "palm2",
    "size and data should grow in equal proportions",
    "arXiv:2305.10403",
    None,
    "no losses are public: 4 budgets x 6 sizes simulated from the law of arXiv:2404.10102 with "
    "noise of .005 nats",
    _replicate,
)
