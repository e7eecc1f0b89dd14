"""Runs laid out as the arrays a model needs: indices, log inputs, reference curves, features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import SpecError
from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.discrepancy import Features, features
from bayeslaw.model.point import PointFit, fit_point
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs

# Standard deviations have zero-avoiding log-normal priors; beyond this many times their stated
# upper end a Gaussian tail takes over, or a family that no law fits would send them to infinity.
CAP = 3.0
# The 5 and 95 % points of how far families lie apart, in terms of the typical distance.
APART = np.array([0.44, 2.28])
# Two rows of one run closer than this would make the checkpoint process singular.
_CLOSEST = 1.0 - 1e-6
# Scatter below this is read as chance when the coordinates of the sampler are chosen.
_LEAST_SCATTER = 0.003


@dataclass(frozen=True)
class Prior:
    """Prior of one parameter.

    Attributes
    ----------
    location, spread : mean and s.d. of its logarithm in the population.
    scale : the loss scale of each family.
    between : typical s.d. of its logarithm between families of one lab.
    """

    location: float
    spread: float
    scale: np.ndarray
    between: float


@dataclass(frozen=True)
class Layout:
    """What the graph needs to know of the data, all numpy; rows sorted by family, run, tokens.

    Attributes
    ----------
    shared : parameters that have one value for all families.
    families, labs, runs : labels; ``lab_of_family``, ``family_of_run``, ``run_of_row`` and
        ``family_of_row`` index them.
    references : the reference value of each input, geometric means over the rows.
    points : log inputs relative to the references, shape (rows, inputs).
    anchors : fitted loss of each family's largest run, the unit of its loss parameters.
    priors : by parameter.
    log_loss, log_curve : observed and reference log losses, shape (rows,).
    loss_sd : known measurement s.d. relative to the loss, shape (rows,).
    link : correlation of each row with the one before it in its run, zero at the start.
    phi, remainder : discrepancy components (rows, rank) and what they leave unexplained (rows,).
    features : the components of each family, for evaluation elsewhere.
    weights : robust weight of each row, from the reference fit.
    centre, information : where the data alone put the log parameters, and how firmly, shapes
        (families, parameters) and (families, parameters, parameters).
    largest : largest compute seen, by family.
    """

    shared: tuple[str, ...]
    families: tuple[str, ...]
    labs: tuple[str, ...]
    runs: tuple[str, ...]
    lab_of_family: np.ndarray
    family_of_run: np.ndarray
    run_of_row: np.ndarray
    family_of_row: np.ndarray
    references: dict[str, float]
    points: np.ndarray
    anchors: np.ndarray
    priors: dict[str, Prior]
    log_loss: np.ndarray
    log_curve: np.ndarray
    loss_sd: np.ndarray
    link: np.ndarray
    phi: np.ndarray
    remainder: np.ndarray
    features: tuple[Features, ...]
    weights: np.ndarray
    centre: np.ndarray
    information: np.ndarray
    largest: np.ndarray

    @property
    def has_checkpoints(self) -> bool:
        """Whether any run has more than one row."""
        return len(self.run_of_row) > len(self.runs)

    @property
    def has_labs(self) -> bool:
        """Whether labs add a level: several, and fewer than families."""
        return 1 < len(self.labs) < len(self.families)

    def inputs(self, law: Law) -> dict[str, np.ndarray]:
        """Return the inputs relative to the reference point, each of shape (rows,)."""
        return {n: np.exp(self.points[:, i]) for i, n in enumerate(law.input_names)}


def lay_out(spec: Spec, runs: Runs) -> Layout:
    """Lay out a table of runs for one specification.

    Parameters
    ----------
    spec : the model.
    runs : the training rows; checkpoints are thinned as the spec says.

    Returns
    -------
    Layout

    Raises
    ------
    SpecError
        If the specification averages over laws.
    """
    if spec.also:
        raise SpecError(
            f"the specification averages over {spec.label}, and a fit is of one law; expected "
            "Spec(law=...) alone. Forecast with bayeslaw.average, or name one law."
        )
    law: Law = spec.law  # type: ignore[assignment]
    kept = runs.thin(after=spec.checkpoints.after, at_most=spec.checkpoints.at_most)
    table = kept.table.sort_values([names.FAMILY, names.RUN, names.TOKENS], kind="stable")
    table = table.reset_index(drop=True)

    family_of_row, families = _index(table[names.FAMILY])
    run_of_row, run_labels = _index(table[names.RUN])
    first = np.unique(run_of_row, return_index=True)[1]
    family_of_run = family_of_row[first]
    lab_of_row, labs = _index(table[names.LAB])
    lab_of_family = lab_of_row[np.unique(family_of_row, return_index=True)[1]]

    raw = law.read(table)
    references = law.references(raw)
    points = np.stack([np.log(raw[n] / references[n]) for n in law.input_names], axis=1)
    loss = table[names.LOSS].to_numpy(float)
    rows_in_run = np.bincount(run_of_row)[run_of_row]

    fits, anchors = [], np.empty(len(families))
    location, spread = _relative_prior(spec)
    for f in range(len(families)):
        rows = family_of_row == f
        guess = float(np.median(loss[rows]))
        shift = np.array([np.log(guess) * p.in_loss_units for p in law.parameters])
        fit = fit_point(
            law,
            {n: np.exp(points[rows, i]) for i, n in enumerate(law.input_names)},
            loss[rows],
            location=location + shift,
            spread=1.5 * spread,
            weights=1.0 / rows_in_run[rows],
            noise=_LEAST_SCATTER,
        )
        fits.append(fit)
        top = np.argmax(table.loc[rows, names.FLOPS].to_numpy())
        anchors[f] = np.exp(fit.log_curve[top])

    log_curve = np.concatenate([fit.log_curve for fit in fits])
    components, phi, remainder = _discrepancy(spec, points, family_of_row, len(families))
    weights = _robust_weights(spec, np.log(loss) - log_curve, family_of_row, fits)
    information = [
        _information(spec, fits[f], phi[rows], rows_in_run[rows])
        for f, rows in ((f, family_of_row == f) for f in range(len(families)))
    ]
    centre = np.stack([fit.log_parameters for fit in fits])
    priors = _priors(spec, anchors)
    for i, p in enumerate(law.parameters):
        centre[:, i] -= np.log(priors[p.name].scale)

    return Layout(
        shared=tuple(
            n for n in law.parameter_names if spec.pooling(n) == "shared" and len(families) > 1
        ),
        families=families,
        labs=labs,
        runs=run_labels,
        lab_of_family=lab_of_family,
        family_of_run=family_of_run,
        run_of_row=run_of_row,
        family_of_row=family_of_row,
        references=references,
        points=points,
        anchors=anchors,
        priors=priors,
        log_loss=np.log(loss),
        log_curve=log_curve,
        loss_sd=table[names.LOSS_SD].to_numpy(float) / loss,
        link=_links(spec, table[names.TOKENS].to_numpy(float), run_of_row),
        phi=phi,
        remainder=remainder,
        features=components,
        weights=weights,
        centre=centre,
        information=np.stack(information),
        largest=table.groupby(family_of_row)[names.FLOPS].max().to_numpy(),
    )


def _index(labels: pd.Series) -> tuple[np.ndarray, tuple[str, ...]]:
    codes, uniques = pd.factorize(labels)
    return codes, tuple(str(u) for u in uniques)


def _relative_prior(spec: Spec) -> tuple[np.ndarray, np.ndarray]:
    law: Law = spec.law  # type: ignore[assignment]
    pairs = []
    for p in law.parameters:
        interval, in_nats = spec.interval(p)
        pairs.append(prior_location(p.low, p.high) if in_nats else prior_location(*interval))
    return np.array([m for m, _ in pairs]), np.array([s for _, s in pairs])


def _priors(spec: Spec, anchors: np.ndarray) -> dict[str, Prior]:
    out = {}
    for p in spec.law.parameters:  # type: ignore[union-attr]
        interval, in_nats = spec.interval(p)
        relative = p.in_loss_units and not in_nats
        # One value for all needs one scale for all.
        shared = np.full_like(anchors, np.exp(np.log(anchors).mean()))
        unit = shared if spec.pooling(p.name) == "shared" else anchors
        scale = unit if relative else np.ones_like(anchors)
        out[p.name] = Prior(*prior_location(*interval), scale, spec.between(p))
    return out


def _links(spec: Spec, tokens: np.ndarray, run_of_row: np.ndarray) -> np.ndarray:
    link = np.zeros(len(tokens))
    same = run_of_row[1:] == run_of_row[:-1]
    apart = np.diff(np.log(tokens)) / spec.noise.length
    link[1:] = np.where(same, np.minimum(np.exp(-np.abs(apart)), _CLOSEST), 0.0)
    return link


def _discrepancy(
    spec: Spec, points: np.ndarray, family_of_row: np.ndarray, n_families: int
) -> tuple[tuple[Features, ...], np.ndarray, np.ndarray]:
    gp = spec.process
    if gp is None:
        return (), np.zeros((len(points), 0)), np.zeros(len(points))
    parts = [features(points[family_of_row == f], gp.length, gp.rank) for f in range(n_families)]
    phi = np.zeros((len(points), max(part.rank for part in parts)))
    for f, part in enumerate(parts):
        rows = family_of_row == f
        phi[rows, : part.rank] = part.at(points[rows])
    return tuple(parts), phi, np.maximum(1.0 - (phi**2).sum(1), 0.0)


def _robust_weights(
    spec: Spec, off: np.ndarray, family_of_row: np.ndarray, fits: list[PointFit]
) -> np.ndarray:
    if spec.noise.tails is None:
        return np.ones_like(off)
    scale = np.array([max(fit.scale, _LEAST_SCATTER) for fit in fits])[family_of_row]
    nu = spec.noise.tails
    return (nu + 1.0) / (nu + (off / scale) ** 2) * nu / (nu + 1.0)


def _information(spec: Spec, fit: PointFit, phi: np.ndarray, rows_in_run: np.ndarray) -> np.ndarray:
    """Return what a family's rows say of its log parameters, the discrepancy integrated out."""
    scatter = max(fit.scale, _LEAST_SCATTER) * np.sqrt(rows_in_run)[:, None]
    scaled = fit.jacobian / scatter
    full = scaled.T @ scaled
    if spec.process is not None:
        basis = np.sqrt(np.prod(spec.process.scale)) * phi / scatter
        cross = basis.T @ scaled
        full -= cross.T @ np.linalg.solve(np.eye(basis.shape[1]) + basis.T @ basis, cross)
    return (full + full.T) / 2


def pooled(
    information: np.ndarray, centre: np.ndarray, spread: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pass what members say of their log parameters up to the groups they scatter around.

    Parameters
    ----------
    information, centre : by member, shapes (members, k, k) and (members, k).
    spread : s.d. of members around their group, shape (k,).
    groups : group of each member.

    Returns
    -------
    The same two by group.
    """
    n_groups, k = groups.max() + 1, len(spread)
    total, moment = np.zeros((n_groups, k, k)), np.zeros((n_groups, k))
    for m, g in enumerate(groups):
        own = information[m]
        passed = own - own @ np.linalg.solve(own + np.diag(spread**-2.0), own)
        passed = (passed + passed.T) / 2
        total[g] += passed
        moment[g] += passed @ centre[m]
    ridge = 1e-9 * np.trace(total, axis1=1, axis2=2)[:, None, None] * np.eye(k)
    return total, np.linalg.solve(total + ridge + 1e-12 * np.eye(k), moment[:, :, None])[:, :, 0]


def profiled(information: np.ndarray, keep: list[int], spread: np.ndarray) -> np.ndarray:
    """Return the information on some parameters once the others, with priors, are unknown."""
    rest = [i for i in range(information.shape[1]) if i not in keep]
    own = information[:, keep][:, :, keep]
    if not rest:
        return own
    cross = information[:, keep][:, :, rest]
    inner = information[:, rest][:, :, rest] + np.diag(spread[rest] ** -2.0)
    return own - cross @ np.linalg.solve(inner, np.swapaxes(cross, 1, 2))
