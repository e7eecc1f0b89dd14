"""What the density knows: rows, priors and coordinates, as the arrays that kernels take."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bayeslaw.inference.collapsed.tape import tape
from bayeslaw.inference.rows import noise_levels, positions
from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import Layout, pooled
from bayeslaw.model.spec import Spec

_STEP = 0.05  # of log spreads, and of exponents
_STRAIGHT = 1e-6  # of a slope: a logarithm that bends less is linear
# Spreads that stand for no relation and for identity between families.
_UNRELATED, _IDENTICAL = 1e3, 1e-3
PARTIAL, SHARED, NONE = range(3)
_KINDS = {"partial": PARTIAL, "shared": SHARED, "none": NONE}


class Hints(NamedTuple):
    """What a pilot found better than the first guess of the attributes of :class:`Known`."""

    eases: np.ndarray
    eased_at: np.ndarray
    noise_share: np.ndarray
    lean: np.ndarray
    apart: np.ndarray
    labs_apart: np.ndarray


class Known(NamedTuple):
    """Everything that stays fixed while the coordinates move.

    Attributes
    ----------
    begins : first coordinate of each block, in the order of the density's shapes, and their
        number.
    steps, constants : the law, from :func:`bayeslaw.inference.collapsed.tape.tape`.
    points : log inputs, shape (inputs, rows); ``log_loss``, ``loss_sd``, ``remainder`` and
        ``phi`` as in the layout.
    near : correlation of each row with the rows of its run up to itself.
    rows_of, runs_of, starts : first row and run of each family, and first row of each run, each
        with the total at the end.
    ranks : how many components each family uses.
    log_scale : log unit of each parameter in each family.
    location, wide, typical, kind : prior of the parameters: location, s.d., typical spread
        between families, and how each is pooled.
    alone : whether the population is integrated out, because there is one family.
    own : places of the parameters that every family has for itself.
    lab_of_family : lab of each family, zero if labs are no level.
    lab_centre, lab_information : where families put the log medians of a lab, and how firmly;
        none if labs are no level.
    top_centre, top_information : the same for the population.
    levels : prior location, s.d. and upper end of the noise levels, shape (levels, 3).
    noise_share, noise_between : by how much noise levels are centred, shape (families, levels),
        and their s.d. between families.
    scale : prior location, s.d. and upper end of the discrepancy's scale.
    tails : degrees of freedom of the runs; zero for Gaussian noise.
    lean : how far the log weight of a run follows the log noise levels, shape (runs, levels).
    centre, information : where rows put the log parameters of a family, and how firmly.
    eases, eased_at : how factors of the information change with the log noise levels and the log
        scale of the discrepancy, and where they are one, shape (families, 3).
    apart, labs_apart : spreads of families and of labs at which all that is known of labs and
        population holds, for what is partially pooled, shape (parameters,).
    lab_eases, top_eases : the same for labs and population, with the log spread below each.
    lab_moves, top_moves : how their centres move with the log spreads below, shapes (labs,
        parameters, parameters) and (parameters, parameters): of members that lie close together
        those count most whose rows know best, and of distant ones all alike.
    lever : change of each amplitude with each of its log exponents that losses allow, shape
        (families, parameters, parameters).
    share : share of each parameter in the level of a family's losses.
    """

    begins: np.ndarray
    steps: np.ndarray
    constants: np.ndarray
    points: np.ndarray
    log_loss: np.ndarray
    loss_sd: np.ndarray
    remainder: np.ndarray
    phi: np.ndarray
    near: np.ndarray
    rows_of: np.ndarray
    runs_of: np.ndarray
    starts: np.ndarray
    ranks: np.ndarray
    log_scale: np.ndarray
    location: np.ndarray
    wide: np.ndarray
    typical: np.ndarray
    kind: np.ndarray
    alone: bool
    own: np.ndarray
    lab_of_family: np.ndarray
    lab_centre: np.ndarray
    lab_information: np.ndarray
    top_centre: np.ndarray
    top_information: np.ndarray
    levels: np.ndarray
    noise_share: np.ndarray
    noise_between: np.ndarray
    scale: np.ndarray
    tails: float
    lean: np.ndarray
    centre: np.ndarray
    information: np.ndarray
    eases: np.ndarray
    eased_at: np.ndarray
    apart: np.ndarray
    labs_apart: np.ndarray
    lab_eases: np.ndarray
    top_eases: np.ndarray
    lab_moves: np.ndarray
    top_moves: np.ndarray
    lever: np.ndarray
    share: np.ndarray


def known(spec: Spec, layout: Layout, begins: np.ndarray, hints: Hints | None = None) -> Known:
    """Gather the arrays of one model and its rows."""
    law: Law = spec.law  # type: ignore[assignment]
    names, families = law.parameter_names, len(layout.families)
    priors = [layout.priors[n] for n in names]
    alone = families == 1
    # One family has no one to share with.
    words = [spec.pooling(n) for n in names]
    kinds = [NONE if alone and w == "shared" else _KINDS[w] for w in words]
    typical = np.array([p.between for p in priors])
    wide = np.array([p.spread for p in priors])
    partial = np.array([w == "partial" for w in words])
    if alone:
        wide = np.hypot(wide, np.where(partial, typical, 0.0))
    levels = np.array([(*prior_location(*i), i[1]) for _, i in noise_levels(spec, layout)])
    own = np.array([i for i, n in enumerate(names) if n not in layout.shared], dtype=np.int64)
    gp = spec.process
    labs = spec.labs and layout.has_labs
    ranks = np.array([f.rank for f in layout.features] or [0] * families)
    steps, constants = tape(law)
    count = np.arange(families + 1)
    starts = np.searchsorted(layout.run_of_row, np.arange(len(layout.runs) + 1))
    hints = hints or Hints(
        eases=np.zeros((families, 3)),
        eased_at=np.zeros((families, 3)),
        noise_share=_noise_share(spec, layout, len(levels)),
        lean=_lean(spec, layout, len(levels)),
        apart=typical,
        labs_apart=2.0 * typical,
    )
    fixed = np.where(np.array(kinds) == NONE, _UNRELATED, _IDENTICAL)
    scatter = np.where(partial, hints.apart, fixed)
    labs_scatter = np.where(partial, hints.labs_apart, 2.0 * fixed)
    of_labs, of_all = _upper_information(layout, scatter, labs_scatter, labs)
    return Known(
        begins=begins,
        steps=steps,
        constants=constants,
        points=np.ascontiguousarray(layout.points.T),
        log_loss=layout.log_loss,
        loss_sd=layout.loss_sd,
        remainder=layout.remainder,
        phi=np.ascontiguousarray(layout.phi),
        near=_near(layout, starts),
        rows_of=np.searchsorted(layout.family_of_row, count),
        runs_of=np.searchsorted(layout.family_of_run, count),
        starts=starts,
        ranks=ranks,
        log_scale=np.log(np.stack([p.scale for p in priors], axis=1)),
        location=np.array([p.location for p in priors]),
        wide=wide,
        typical=typical,
        kind=np.array(kinds),
        alone=alone,
        own=own,
        lab_of_family=layout.lab_of_family if labs else np.zeros(families, np.int64),
        lab_centre=of_labs.centre,
        lab_information=of_labs.information * np.outer(partial, partial),
        top_centre=of_all.centre[0],
        top_information=of_all.information[0],
        levels=levels,
        noise_share=hints.noise_share,
        noise_between=levels[:, 1] if alone else np.full(len(levels), spec.noise.between),
        scale=np.array(
            [0.0, 1.0, 1.0] if gp is None else [*prior_location(*gp.scale), gp.scale[1]]
        ),
        tails=float(spec.noise.tails or 0.0),
        lean=hints.lean,
        centre=layout.centre,
        information=layout.information,
        eases=hints.eases,
        eased_at=hints.eased_at,
        apart=hints.apart,
        labs_apart=hints.labs_apart,
        lab_eases=of_labs.eases * partial,
        top_eases=of_all.eases[0] * partial,
        lab_moves=of_labs.moves * partial,
        top_moves=of_all.moves[0] * partial,
        lever=_levers(law, layout, wide if alone else scatter),
        share=_shares(law, layout),
    )


class _OfMembers(NamedTuple):
    """What members say of the groups they scatter around: arrays whose first axis is the group."""

    information: np.ndarray
    centre: np.ndarray
    eases: np.ndarray
    moves: np.ndarray


def _upper_information(
    layout: Layout, scatter: np.ndarray, labs_scatter: np.ndarray, labs: bool
) -> tuple[_OfMembers, _OfMembers]:
    """Return what families say of each lab, none if labs are no level, and labs of them all."""
    k, lab_of = len(scatter), layout.lab_of_family
    if not labs:
        shapes = (k, k), (k,), (k,), (k, k)
        nothing = _OfMembers(*(np.zeros((0, *shape)) for shape in shapes))
        everyone = np.zeros_like(lab_of)
        return nothing, _of_members(layout.information, layout.centre, scatter, everyone)
    of_labs = _of_members(layout.information, layout.centre, scatter, lab_of)
    everyone = np.zeros(len(of_labs.centre), int)
    return of_labs, _of_members(of_labs.information, of_labs.centre, labs_scatter, everyone)


def _of_members(
    information: np.ndarray, centre: np.ndarray, spread: np.ndarray, groups: np.ndarray
) -> _OfMembers:
    """Return what members say, and by differences how their centre moves with each log spread."""

    def centres(factors: np.ndarray) -> np.ndarray:
        return pooled(information, centre, spread * factors, groups)[1]

    steps = np.exp(_STEP * np.eye(len(spread)))
    moves = [(centres(step) - centres(1 / step)) / (2 * _STEP) for step in steps]
    both = pooled(information, centre, spread, groups)
    return _OfMembers(*both, _eases(information, spread, groups), np.stack(moves, axis=-1))


def _eases(information: np.ndarray, spread: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return by how much a row of what members say of their group falls with the log spread."""
    passed, squares = np.zeros((2, groups.max() + 1, len(spread)))
    for own, g in zip(information, groups, strict=True):
        left = own - own @ np.linalg.solve(own + np.diag(spread**-2.0), own)
        passed[g] += np.diag(left)
        squares[g] += np.diag(left) ** 2
    return -np.divide(squares * spread**2, passed, out=np.zeros_like(passed), where=passed > 0)


def _lean(spec: Spec, layout: Layout, levels: int) -> np.ndarray:
    """Return how log weights follow log noise levels: the odds of a run's squares change with them.

    The weight of a run of n rows is known from about n squares beside the prior's ``tails``.
    """
    rows = np.bincount(layout.run_of_row)
    counts = np.stack([np.ones_like(rows), rows - 1], axis=1)[:, :levels]
    return 2.0 * counts / ((spec.noise.tails or np.inf) + rows)[:, None]


def _near(layout: Layout, starts: np.ndarray) -> np.ndarray:
    position = positions(layout)
    near = np.zeros((len(position), int(np.diff(starts).max())))
    for a, b in pairwise(starts):
        near[a:b, : b - a] = np.exp(-np.abs(position[a:b, None] - position[a:b]))
    return near


def _noise_share(spec: Spec, layout: Layout, levels: int) -> np.ndarray:
    """Return by how much noise levels are centred: as firmly as a family's runs know them."""
    runs = np.bincount(layout.family_of_run).astype(float)
    if len(runs) == 1:
        return np.zeros((1, levels))
    counts = np.stack([runs, np.bincount(layout.family_of_row) - runs], axis=1)[:, :levels]
    return counts / (counts + spec.noise.between**-2.0)


def _levers(law: Law, layout: Layout, scatter: np.ndarray) -> np.ndarray:
    """Return how amplitudes follow their log exponents where rows and prior hold both."""
    names, lever = law.parameter_names, np.zeros_like(layout.information)
    covariance = np.linalg.inv(layout.information + np.diag(scatter**-2.0))
    for q, exponents in _powers(law, layout).items():
        i, at = names.index(q), [names.index(p) for p in exponents]
        both = covariance[:, at, i, None]
        lever[:, i, at] = np.linalg.solve(covariance[:, at][:, :, at], both)[..., 0]
    return lever


def _powers(law: Law, layout: Layout) -> dict[str, list[str]]:
    """Return the amplitudes that stand before powers, each with the exponents of those."""
    if not law.linear:
        return {}
    inputs, at = layout.inputs(law), _at_rows(law, layout)

    def logs(exponent: str, factor: float) -> dict[str, np.ndarray]:
        with np.errstate(all="ignore"):
            basis = law.basis(inputs, {**at, exponent: factor * at[exponent]})
            return {n: np.log(basis[n]) for n in law.linear}

    found: dict[str, list[str]] = {}
    for p in law.nonlinear:
        if p in layout.shared:
            continue
        down, middle, up = (logs(p, factor) for factor in (1 - _STEP, 1.0, 1 + _STEP))
        for q in law.linear:
            slope = np.abs(up[q] - down[q]).max()
            bend = np.abs(up[q] - 2 * middle[q] + down[q]).max()
            if q not in layout.shared and slope > 0 and bend < _STRAIGHT * slope:
                found.setdefault(q, []).append(p)
    return found


def _at_rows(law: Law, layout: Layout) -> dict[str, np.ndarray]:
    """Return the parameters of each row's family at its centre."""
    log_scale = np.log(np.stack([layout.priors[n].scale for n in law.parameter_names], axis=1))
    at = np.exp(layout.centre + log_scale)[layout.family_of_row].T
    return dict(zip(law.parameter_names, at, strict=True))


def _shares(law: Law, layout: Layout) -> np.ndarray:
    """Return the mean share of each free amplitude in the reference losses, summing to one."""
    at_rows = _at_rows(law, layout)
    out = np.zeros_like(layout.centre)
    if not law.linear:
        return out
    basis = law.basis(layout.inputs(law), at_rows)
    rows = np.bincount(layout.family_of_row)
    for n in law.linear:
        if n not in layout.shared:
            part = basis[n] * at_rows[n] / np.exp(layout.log_curve)
            mean = np.bincount(layout.family_of_row, part * np.ones(len(layout.log_loss))) / rows
            out[:, law.parameter_names.index(n)] = mean
    total = out.sum(1, keepdims=True)
    return np.divide(out, total, out=np.zeros_like(out), where=total > 0)
