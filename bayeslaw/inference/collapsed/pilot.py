"""What a short first run says of each family: where its rows put it, and how firmly.

The layout guesses both from a point fit and typical noise. Where the guess is poor, a pilot's
medians of parameters, noise and discrepancy give a better one; only efficiency depends on it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayeslaw.inference.collapsed.known import Hints
from bayeslaw.inference.rows import positions
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

_STEP = 1e-5
_LEVEL_STEP = 0.1
# Of the variance of a regressor, so that what does not vary has no slope.
_RIDGE = 0.02


def relaid(
    spec: Spec, layout: Layout, log_values: np.ndarray, noise: np.ndarray, weight: np.ndarray
) -> tuple[Layout, np.ndarray]:
    """Return the layout with centres and information as they are near a point.

    Parameters
    ----------
    log_values : log parameters in their units, shape (families, parameters).
    noise : run noise, checkpoint noise and s.d. of the discrepancy, shape (families, 3).
    weight : precision factor of each run, one unless tails are heavy.

    Returns
    -------
    The layout, and how the log factors of the information change with the logs of the noise.
    """
    law: Law = spec.law  # type: ignore[assignment]
    priors = [layout.priors[n] for n in law.parameter_names]
    wide = np.diag([p.spread**-2.0 for p in priors])
    typical = np.diag([p.between**-2.0 for p in priors])
    log_scale = np.log(np.stack([p.scale for p in priors], axis=1))
    rows, inputs = layout.family_of_row, layout.inputs(law)
    position = positions(layout)

    def curve(at: np.ndarray) -> np.ndarray:
        values = np.exp(at + log_scale)[rows].T
        loss = law(inputs, dict(zip(law.parameter_names, values, strict=True)))
        return np.log(loss) * np.ones(len(rows))

    off = layout.log_loss - curve(log_values)
    slopes = np.stack(
        [
            (curve(log_values + _STEP * e) - curve(log_values - _STEP * e)) / (2 * _STEP)
            for e in np.eye(len(priors))
        ],
        axis=1,
    )

    def told(mine: np.ndarray, run_sd: float, checkpoint: float, tau: float) -> np.ndarray:
        run = layout.run_of_row[mine]
        common = np.sqrt(run_sd**2 + layout.loss_sd[mine] ** 2 + tau**2 * layout.remainder[mine])
        near = np.exp(-np.abs(position[mine, None] - position[mine]))
        cover = common[:, None] * common + checkpoint**2 * near
        cover *= (run[:, None] == run) / weight[run]
        phi = tau * layout.phi[mine]
        both = np.column_stack([slopes[mine], off[mine]])
        both = slopes[mine].T @ np.linalg.solve(cover + phi @ phi.T, both)
        both[:, :-1] = (both[:, :-1] + both[:, :-1].T) / 2
        return both

    centre, information = log_values.copy(), np.empty_like(layout.information)
    eases = np.zeros_like(noise)
    for f in range(len(layout.families)):
        mine = np.flatnonzero(rows == f)
        here = told(mine, *noise[f])
        information[f] = here[:, :-1]
        centre[f] += np.linalg.solve(information[f] + wide, here[:, -1])
        known = np.linalg.inv(information[f] + typical)
        for j in np.flatnonzero(noise[f] > 0):
            step = np.exp(_LEVEL_STEP * (np.arange(3) == j))
            more, less = told(mine, *(noise[f] * step)), told(mine, *(noise[f] / step))
            change = (more - less)[:, :-1] / (2 * _LEVEL_STEP)
            # Of the information itself the change is twice that of the factors of its sides.
            eases[f, j] = 0.5 * np.sum(known * change) / np.sum(known * information[f])
    return replace(layout, centre=centre, information=information), eases


def hinted(
    layout: Layout,
    guess: Hints,
    eases: np.ndarray,
    noise: np.ndarray,
    weight: np.ndarray,
    levels: np.ndarray,
    between: np.ndarray,
) -> Hints:
    """Return what draws of a pilot say of noise levels and weights.

    Parameters
    ----------
    noise, weight : as above, at each draw.
    levels : log typical noise levels at each draw; ``between`` is the s.d. around them.
    """
    log_noise = np.log(np.maximum(noise, np.finfo(float).tiny))
    count = levels.shape[1]
    share, lean = guess.noise_share.copy(), np.zeros_like(guess.lean)
    runs_of, rows = layout.family_of_run, np.bincount(layout.run_of_row)
    for f in range(len(layout.families)):
        own = log_noise[:, f, :count]
        if len(layout.families) > 1:
            left = [_left(own[:, j], levels[:, j]) for j in range(count)]
            share[f] = np.clip(1.0 - np.array(left) / between**2, 0.0, 1.0)
        away = own - own.mean(0)
        inner = away.T @ away + np.diag(_RIDGE * len(own) * np.ones(count))
        # Weights by themselves are too uncertain: runs of one length share their slopes.
        for n in np.unique(rows[runs_of == f]):
            alike = (runs_of == f) & (rows == n)
            mean = np.log(weight[:, alike]).mean(1)
            lean[alike] = np.linalg.solve(inner, away.T @ (mean - mean.mean()))
    return guess._replace(
        eases=eases, eased_at=np.median(log_noise, axis=0), noise_share=share, lean=lean
    )


def _left(own: np.ndarray, level: np.ndarray) -> float:
    """Return the variance that the level leaves."""
    shared = np.mean((own - own.mean()) * (level - level.mean()))
    return float(own.var() - shared**2 / max(level.var(), np.finfo(float).tiny))
