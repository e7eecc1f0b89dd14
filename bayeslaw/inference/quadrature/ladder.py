"""One family as arrays, and its exact posterior given what its parameters scatter around."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bayeslaw.inference.rows import noise_levels, positions
from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import CAP, Layout
from bayeslaw.model.spec import Spec

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Belief:
    """Independent normals on logarithms: law parameters first, then the noise levels."""

    mean: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class Ladder:
    """The rows of one family.

    Attributes
    ----------
    inputs : relative to the reference point, each of shape (rows,).
    scale : unit of each law parameter.
    position : place of each row in its run's checkpoint process, in units of its length.
    starts : first row of each run, and the number of rows.
    has_checkpoints : whether any run, of this family or another, has more than one row.
    """

    law: Law
    inputs: dict[str, np.ndarray]
    scale: np.ndarray
    log_loss: np.ndarray
    phi: np.ndarray
    remainder: np.ndarray
    loss_sd: np.ndarray
    position: np.ndarray
    starts: np.ndarray
    has_checkpoints: bool


def ladders(law: Law, layout: Layout) -> list[Ladder]:
    """Part a layout into its families."""
    bounds = np.searchsorted(layout.family_of_row, np.arange(len(layout.families) + 1))
    inputs = layout.inputs(law)
    first = np.flatnonzero(np.diff(layout.run_of_row, prepend=-1))
    position = positions(layout)
    out = []
    for f, (a, b) in enumerate(pairwise(bounds)):
        rank = layout.features[f].rank if layout.features else 0
        out.append(
            Ladder(
                law=law,
                inputs={n: v[a:b] for n, v in inputs.items()},
                scale=np.array([layout.priors[n].scale[f] for n in law.parameter_names]),
                log_loss=layout.log_loss[a:b],
                phi=np.ascontiguousarray(layout.phi[a:b, :rank]),
                remainder=layout.remainder[a:b],
                loss_sd=layout.loss_sd[a:b],
                position=position[a:b],
                starts=np.append(first[(first >= a) & (first < b)] - a, b - a),
                has_checkpoints=layout.has_checkpoints,
            )
        )
    return out


def log_tails(spec: Spec, ladder: Ladder, log_sd: np.ndarray) -> np.ndarray:
    """Return the light upper tails of a family's noise levels and discrepancy scale.

    Parameters
    ----------
    log_sd : noise levels, then the discrepancy scale if there is one, in the last axis.
    """
    upper = [interval[1] for _, interval in noise_levels(spec, ladder)]
    if spec.process is not None:
        upper.append(spec.process.scale[1])
    return -0.5 * (np.exp(2 * log_sd) / (CAP * np.array(upper)) ** 2).sum(-1)


def log_discrepancy_prior(spec: Spec, log_scale: np.ndarray) -> np.ndarray | float:
    """Return the log density of the log discrepancy scale, its light tail left out."""
    if spec.process is None:
        return 0.0
    middle, width = prior_location(*spec.process.scale)
    return log_normal(log_scale, middle, width)


def log_normal(x: np.ndarray, mean: np.ndarray | float, spread: np.ndarray | float) -> np.ndarray:
    """Return the normal log density."""
    return -0.5 * ((x - mean) / spread) ** 2 - np.log(spread) - 0.5 * _LOG_2PI


def curve_parts(ladder: Ladder, log_nonlinear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each amplitude multiplies, and the log law if it has no amplitudes.

    Parameters
    ----------
    log_nonlinear : log exponents in the order of the law, shape (points, exponents).

    Returns
    -------
    Arrays of shape (points, rows, amplitudes) and (points, rows).
    """
    law = ladder.law
    place = {n: i for i, n in enumerate(law.parameter_names)}
    known = {
        n: (np.exp(log_nonlinear[:, j]) * ladder.scale[place[n]])[:, None]
        for j, n in enumerate(law.nonlinear)
    }
    points, rows = len(log_nonlinear), len(ladder.log_loss)
    fixed = np.zeros((points, rows))
    basis = np.empty((points, rows, len(law.linear)))
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # exponents far out are weighed, and found to be worthless
        if not law.linear:
            fixed[:] = np.log(np.clip(law(ladder.inputs, known), 1e-300, 1e300))
        else:
            # All columns at once, so that powers are taken once: the column of an amplitude is the
            # law with that amplitude at one and the others at zero.
            one = np.eye(len(law.linear))[:, :, None, None]
            units = {n: one[c] for c, n in enumerate(law.linear)}
            columns = np.broadcast_to(
                law(ladder.inputs, known | units), (len(law.linear), points, rows)
            )
            scale = np.array([ladder.scale[place[n]] for n in law.linear])
            basis[:] = np.clip(np.moveaxis(columns, 0, -1), 0.0, 1e100) * scale
    return basis, fixed
