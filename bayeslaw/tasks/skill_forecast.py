"""Scores forecast from latent skills: missing cells of a fitted table, or cells of new models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw.errors import TargetError
from bayeslaw.names import FAMILY
from bayeslaw.runs.problems import listed
from bayeslaw.tasks.skill_marginal import Group, Solution, begin
from bayeslaw.tasks.skill_parameters import Covariances, covariances
from bayeslaw.tasks.skill_table import MODEL, SkillTable
from bayeslaw.tasks.skills import SkillFit, group_of
from bayeslaw.tasks.summary import summary

NOISE_DRAWS = 40  #: of scores per draw of loadings and spreads
_STEPS, _TOLERANCE, _LARGEST = 80, 1e-4, 1.5


@dataclass(frozen=True, eq=False)
class SkillForecast:
    """Forecast scores.

    Attributes
    ----------
    cells : a row per forecast: model, family, benchmark.
    draws : shares of items passed, shape (draw, cell): what an evaluation of that many items finds.
    expected : the same without the noise of items.
    """

    cells: pd.DataFrame
    draws: np.ndarray
    expected: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """Median of each cell."""
        return np.median(self.expected, axis=0)

    def interval(self, level: float = 0.9) -> np.ndarray:
        """Return the central interval of each cell, shape (cell, 2)."""
        return np.quantile(self.draws, [0.5 - level / 2, 0.5 + level / 2], axis=0).T

    @property
    def table(self) -> pd.DataFrame:
        """One row per cell: median and 90 % interval."""
        low, high = self.interval(0.9).T
        return self.cells.assign(median=self.median, low=low, high=high)

    def records(self) -> list[dict[str, Any]]:
        """Return the contract's JSON form of each cell."""
        return [
            {**dict(zip(self.cells.columns, row, strict=True)), **summary(self.draws[:, i])}
            for i, row in enumerate(self.cells.to_numpy().tolist())
        ]


def forecast_skills(
    fit: SkillFit, models: SkillTable | None = None, *, seed: int | None = None
) -> SkillForecast:
    """Forecast the missing scores of models.

    Parameters
    ----------
    fit : a fitted latent-skill model.
    models : new models with the same benchmarks; their known scores tell of their skills, one
        model at a time, and do not change the fit. By default the gaps of the fitted table.
    seed : seed of the draws; by default that of the fit.

    Returns
    -------
    SkillForecast

    Raises
    ------
    TargetError
        If there is nothing to forecast, or the benchmarks differ.
    """
    rng = np.random.default_rng(fit.seed if seed is None else seed)
    cells, mean_cov = _gaps(fit) if models is None else _new(fit, models)
    if not len(cells):
        raise TargetError(
            "no score is missing, so there is nothing to forecast; leave the cells empty that are "
            "to be forecast, or add rows for new models"
        )
    at = cells["at"].to_numpy()
    items = np.array([b.items for b in fit.table.benchmarks])[at]
    link = replace(fit.link, floor=fit.link.floor[at], ceiling=fit.link.ceiling[at])
    expected, draws = [], []
    for mean, blocks in mean_cov:
        z = np.concatenate([
            rng.multivariate_normal(np.zeros(len(c)), c, NOISE_DRAWS, method="eigh")
            for c in blocks
        ], axis=1)  # fmt: skip
        share = link.share(mean + z)
        expected.append(share)
        draws.append(rng.binomial(np.round(items).astype(np.int64), share) / np.round(items))
    return SkillForecast(cells.drop(columns="at"), np.concatenate(draws), np.concatenate(expected))


def _gaps(fit: SkillFit) -> tuple[pd.DataFrame, list[tuple[np.ndarray, list[np.ndarray]]]]:
    """Return the missing cells of the fitted table and, per draw, means and covariances."""
    table, out = [], []
    for group, rows in zip(fit.groups, fit.rows, strict=True):
        table += _cells(fit.table.where(rows), np.argwhere(group.items == 0))
    for theta, solution in zip(fit.theta, fit.solutions, strict=True):
        c = covariances(theta, fit.shape)
        means, blocks = [], []
        for g, group in enumerate(fit.groups):
            gone = np.flatnonzero(group.items.ravel() == 0)
            if not len(gone):
                continue
            mean, cov = posterior(
                group, c, solution, solution.response[g], solution.variance[g], gone
            )
            means.append(mean)
            blocks.append(cov)
        out.append((np.concatenate(means) if means else np.zeros(0), blocks))
    return _frame(table), out


def _new(
    fit: SkillFit, models: SkillTable
) -> tuple[pd.DataFrame, list[tuple[np.ndarray, list[np.ndarray]]]]:
    """Return the missing cells of new models and, per draw, means and covariances."""
    if models.names != fit.table.names:
        raise TargetError(
            f"the models have benchmarks {listed(models.names)}; the fit has "
            f"{listed(fit.table.names)}; give the same ones, empty where unknown"
        )
    table, joined = [], []
    known = pd.factorize(fit.table.family)[1].tolist()
    labs = pd.factorize(fit.table.lab)[1].tolist()
    for i in range(len(models)):
        one = models.where(np.array([i]))
        gone = np.flatnonzero(~np.isfinite(one.share[0]))
        table += _cells(one, np.column_stack([np.zeros(len(gone), int), gone]))
        family = known.index(one.family[0]) if one.family[0] in known else len(known)
        own = group_of(one, fit.inputs, np.array([family]))
        lab = labs.index(one.lab[0]) if one.lab[0] in labs else None
        if lab is None and family < len(known):
            lab = next(g for g, group in enumerate(fit.groups) if family in group.family)
        joined.append((own if lab is None else _stacked(own, fit.groups[lab]), lab, gone))
    out = []
    for theta, solution in zip(fit.theta, fit.solutions, strict=True):
        c = covariances(theta, fit.shape)
        means, blocks = [], []
        for group, lab, gone in joined:
            if not len(gone):
                continue
            start = begin(group, fit.link)
            if lab is not None:
                start[fit.shape.benchmarks :] = solution.latent[lab]
            response, variance = local_mode(fit, group, c, solution, start)
            mean, cov = posterior(group, c, solution, response, variance, gone)
            means.append(mean)
            blocks.append(cov)
        out.append((np.concatenate(means) if means else np.zeros(0), blocks))
    return _frame(table), out


def _stacked(one: Group, rest: Group) -> Group:
    pairs = {
        name: np.concatenate([getattr(one, name), getattr(rest, name)])
        for name in ("share", "items", "inputs", "family", "known")
    }
    return Group(**pairs)


def local_mode(
    fit: SkillFit, group: Group, c: Covariances, solution: Solution, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return working responses of one lab at its mode, the effects of inputs being as fitted."""
    seen, prior, base = (
        group.seen,
        group.covariance(c, solution.effects),
        group.design() @ solution.effects,
    )
    for _ in range(_STEPS):
        z, v = fit.link.working(eta.reshape(group.items.shape), group.share, group.items)
        z, v = z.ravel()[seen], v.ravel()[seen]
        weight = np.linalg.solve(prior[np.ix_(seen, seen)] + np.diag(v), z - base[seen])
        step = np.clip(base + prior[:, seen] @ weight - eta, -_LARGEST, _LARGEST)
        eta = eta + step
        if np.abs(step).max() < _TOLERANCE:
            break
    z, v = fit.link.working(eta.reshape(group.items.shape), group.share, group.items)
    return z.ravel()[seen], v.ravel()[seen]


def posterior(
    group: Group, c: Covariances, solution: Solution, response: np.ndarray, variance: np.ndarray,
    gone: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return mean and covariance of the latent values at some cells of one lab."""
    seen, prior, design = group.seen, group.covariance(c, solution.effects), group.design()
    if len(seen):
        joint = prior[np.ix_(seen, seen)] + np.diag(variance)
        gain = np.linalg.solve(joint, prior[np.ix_(seen, gone)]).T
    else:
        gain = np.zeros((len(gone), 0))
    lever = design[gone] - gain @ design[seen]
    mean = lever @ solution.effects + gain @ response
    cov = prior[np.ix_(gone, gone)] - gain @ prior[np.ix_(seen, gone)]
    cov = cov + lever @ solution.effects_cov @ lever.T
    return mean, (cov + cov.T) / 2


def _cells(table: SkillTable, where: np.ndarray) -> list[tuple[str, str, str, int]]:
    return [(str(table.models[i]), str(table.family[i]), table.names[j], int(j)) for i, j in where]


def _frame(rows: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[MODEL, FAMILY, "benchmark", "at"])
