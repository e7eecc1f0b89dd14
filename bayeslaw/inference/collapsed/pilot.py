"""What a short first run says of each family: where its rows put it, and how firmly.

The layout guesses both from a point fit and typical noise. Where the guess is poor, a pilot's
means of parameters, noise and discrepancy give a better one; only efficiency depends on it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayeslaw.inference.rows import positions
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

_STEP = 1e-5


def relaid(
    spec: Spec, layout: Layout, log_values: np.ndarray, noise: np.ndarray, weight: np.ndarray
) -> Layout:
    """Return the layout with centres and information as they are near a point.

    Parameters
    ----------
    log_values : log parameters in their units, shape (families, parameters).
    noise : run noise, checkpoint noise and s.d. of the discrepancy, shape (families, 3).
    weight : precision factor of each run, one unless tails are heavy.
    """
    law: Law = spec.law  # type: ignore[assignment]
    priors = [layout.priors[n] for n in law.parameter_names]
    wide = np.array([p.spread for p in priors]) ** -2.0
    log_scale = np.log(np.stack([p.scale for p in priors], axis=1))
    rows, inputs = layout.family_of_row, layout.inputs(law)

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
    run_sd, checkpoint, tau = noise[rows].T
    common = np.sqrt(run_sd**2 + layout.loss_sd**2 + tau**2 * layout.remainder)
    position = positions(layout)
    centre, information = log_values.copy(), np.empty_like(layout.information)
    for f in range(len(layout.families)):
        mine = np.flatnonzero(rows == f)
        run = layout.run_of_row[mine]
        near = np.exp(-np.abs(position[mine, None] - position[mine]))
        cover = common[mine, None] * common[mine] + checkpoint[mine, None] ** 2 * near
        cover *= (run[:, None] == run) / weight[run]
        phi = tau[mine, None] * layout.phi[mine]
        solved = np.linalg.solve(cover + phi @ phi.T, np.column_stack([slopes[mine], off[mine]]))
        both = slopes[mine].T @ solved
        information[f] = (both[:, :-1] + both[:, :-1].T) / 2
        centre[f] += np.linalg.solve(information[f] + np.diag(wide), both[:, -1])
    return replace(layout, centre=centre, information=information)
