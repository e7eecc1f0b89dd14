"""Approach 1 of Hoffmann et al.: which training curve is lowest at each compute budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayeslaw import names
from bayeslaw.errors import FitError
from bayeslaw.estimators.line import PowerLaw, fit_power_law
from bayeslaw.estimators.number import Number
from bayeslaw.runs import Runs

_BUDGETS = 1500  #: log-spaced, as published


@dataclass(frozen=True)
class Envelope:
    """The lower envelope of training curves.

    Attributes
    ----------
    flops, params, losses : where each size touches the envelope: the middle of its stretch of
        budgets in log compute, the size and the loss there; the smallest and the largest, whose
        stretches have no end, are left out.
    by_budget : the published line through the size at each of 1500 budgets.
    resampled : exponents of that line over resampled curves.
    """

    flops: np.ndarray
    params: np.ndarray
    losses: np.ndarray
    by_budget: PowerLaw
    resampled: np.ndarray

    def exponent(self, level: float = 0.9) -> Number:
        """Return the exponent as published, with the interval of resampled curves.

        Budgets that share a curve are one observation, not hundreds, so the interval of the
        line through 1500 budgets would be far too narrow.
        """
        return Number.of(self.resampled, level, self.by_budget.powers[0])

    def posterior(self) -> PowerLaw:
        """Return the Bayesian version: a line through one point per size on the envelope."""
        return fit_power_law(self.params, flops=self.flops)


def fit_envelope(
    runs: Runs, *, warm_up: float = 0.05, smooth: float = 0.0, resamples: int = 200, seed: int = 0
) -> Envelope:
    """Find the lower envelope of training curves and the size on it against compute.

    Parameters
    ----------
    runs : curves of one family; rows that share a run.
    warm_up : share of each run's tokens that is left out at its start.
    smooth : s.d. in rows of a Gaussian that smooths each curve; 10 steps as published.
    resamples, seed : sizes drawn anew with replacement, and the seed of their random numbers.

    Returns
    -------
    Envelope

    Raises
    ------
    FitError
        If fewer than four sizes between the smallest and the largest touch the envelope.
    """
    curves = list(_curves(runs, warm_up, smooth))
    whole = _trace(curves)
    sizes = sorted({n for n, _, _ in curves})
    rng = np.random.default_rng(seed)
    slopes = []
    for _ in range(resamples):
        pick = set(rng.choice(sizes, len(sizes)))
        flops, params, _ = _trace([c for c in curves if c[0] in pick])
        if len(np.unique(params)) > 3:
            slopes.append(np.polyfit(np.log(flops), np.log(params), 1)[0])
    flops, params, losses = whole
    touched = [np.flatnonzero(params == n) for n in np.unique(params)]
    if len(touched) < 4 or not slopes:
        raise FitError(
            f"{len(touched)} inner sizes touch the lower envelope; expected at least 4. Give "
            "training curves (rows that share 'run') of more sizes, or use isoFLOP parabolas."
        )
    middle = np.array([np.exp(np.log(flops[t]).mean()) for t in touched])
    return Envelope(
        middle,
        np.array([params[t[0]] for t in touched]),
        np.array([losses[t[len(t) // 2]] for t in touched]),
        fit_power_law(params, flops=flops),
        np.array(slopes),
    )


def _curves(runs: Runs, warm_up: float, smooth: float):
    from scipy.ndimage import gaussian_filter1d

    for _, table in runs.table.groupby(names.RUN, sort=False):
        rows = table.sort_values(names.TOKENS)
        rows = rows[rows[names.TOKENS] >= warm_up * rows[names.TOKENS].max()]
        if len(rows) < 2:
            continue
        loss = rows[names.LOSS].to_numpy()
        if smooth:
            loss = gaussian_filter1d(loss, smooth, mode="nearest")
        yield float(rows[names.PARAMS].iloc[0]), rows[names.FLOPS].to_numpy(), loss


def _trace(curves: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return budgets, the size of the lowest curve at each, and its loss."""
    low = np.sort([c.min() for _, c, _ in curves])[min(1, len(curves) - 1)]
    high = max(c.max() for _, c, _ in curves)
    budgets = np.geomspace(low, high, _BUDGETS)
    at = np.stack([
        np.interp(np.log(budgets), np.log(c), np.log(loss), left=np.inf, right=np.inf)
        for _, c, loss in curves
    ])  # fmt: skip
    which = at.argmin(0)
    size = np.array([n for n, _, _ in curves])[which]
    # Where the smallest or largest size is lowest, sizes that were not tried would be lower.
    seen = np.isfinite(at.min(0)) & (size > size.min()) & (size < size.max())
    return budgets[seen], size[seen], np.exp(at.min(0))[seen]
