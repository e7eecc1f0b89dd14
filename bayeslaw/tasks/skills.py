"""Skills behind benchmark scores: fitted to families of models, forecast for larger ones.

Each model has a few latent skills; its score on a benchmark is a sigmoid of them between the
guessing floor and one. Skills follow size through effects shared by all families, an efficiency and
an offset of each family and lab, and what is particular to the model. Effects, offsets and skills
are integrated out exactly given the spreads and loadings (normal in logits, with the binomial
replaced by its working responses at the mode); loadings and spreads have a normal posterior
approximation around their mode (nested Laplace).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from bayeslaw.errors import FitError, RunsError, SpecError
from bayeslaw.runs.problems import listed
from bayeslaw.tasks.link import Link
from bayeslaw.tasks.skill_marginal import Group, Solution, log_marginal, solve
from bayeslaw.tasks.skill_parameters import Shape
from bayeslaw.tasks.skill_table import SkillTable

SKILLS = 3  #: explain 97 % of the variance of common benchmarks (arXiv:2405.10938)
ROUNDS, STEPS = 4, 60  # working responses renewed; quasi-Newton steps on each
FARTHEST = 6.0  #: from the middle of the prior, in its s.d.; a line search that goes on runs away
DRAWS = 24  #: of loadings and spreads
LEAST_SEEN = 3  #: scores of a benchmark, below which nothing can be said of it
_FLATTEST = 1.0  # curvature of the posterior, in units of the prior's
_STEP = 1e-4
SETTLED = 0.05  #: log density still to be gained when renewing responses stops to matter


@dataclass(frozen=True, eq=False)
class Inputs:
    """How sizes become standardised inputs: their logarithms, and one product.

    Attributes
    ----------
    columns : of (params, tokens, flops), those used.
    mean, sd : of their logarithms over the models fitted.
    """

    columns: tuple[int, ...]
    mean: np.ndarray
    sd: np.ndarray

    def __call__(self, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs, shape (model, input), zero where unknown; and which rows are known."""
        chosen = np.log(sizes[:, self.columns])
        known = np.isfinite(chosen).all(axis=1)
        x = np.where(known[:, None], (chosen - self.mean) / self.sd, 0.0)
        if len(self.columns) == 2:
            x = np.column_stack([x, x[:, 0] * x[:, 1]])
        return x, known


@dataclass(frozen=True, eq=False)
class SkillFit:
    """A fitted latent-skill model.

    Attributes
    ----------
    table : what it was fitted to.
    shape, link, inputs : the model.
    theta : draws of loadings and spreads, shape (draw, parameter); the first is their mode.
    solutions : the mode of latent values under each draw.
    groups, rows : models by lab, and their rows in the table.
    settled : whether renewing the working responses no longer moved the mode.
    """

    table: SkillTable
    shape: Shape
    link: Link
    inputs: Inputs
    theta: np.ndarray
    solutions: tuple[Solution, ...]
    groups: tuple[Group, ...]
    rows: tuple[np.ndarray, ...]
    settled: bool
    seed: int

    @property
    def loadings(self) -> np.ndarray:
        """Loadings at the mode, shape (benchmark, skill), known up to the sign of each skill."""
        return self.shape.split(self.theta[0])[0]


def fit_skills(
    table: SkillTable, *, skills: int = SKILLS, draws: int = DRAWS, seed: int = 0
) -> SkillFit:
    """Fit the latent-skill model to the scores of a table; missing scores stay missing.

    Parameters
    ----------
    table : scores; models without any are forecast from their sizes.
    skills : number of latent skills. The default is enough for common benchmarks, and more are
        shrunk away, so it need not be tuned.
    draws : of loadings and spreads; one takes them at their mode.
    seed : seed of the draws.

    Returns
    -------
    SkillFit

    Raises
    ------
    RunsError
        If a benchmark has fewer than three scores.
    SpecError
        If the number of skills is not between 1 and the number of benchmarks.
    """
    if not 1 <= skills <= len(table.benchmarks):
        raise SpecError(
            f"{skills} skills for {len(table.benchmarks)} benchmarks; expected 1 to "
            f"{len(table.benchmarks)}"
        )
    if draws < 1:
        raise SpecError(f"{draws} draws; expected at least 1")
    counts = np.isfinite(table.share).sum(axis=0)
    rare = [b for b, n in zip(table.names, counts, strict=True) if n < LEAST_SEEN]
    if rare:
        raise RunsError(
            f"{table.source}: benchmarks {listed(rare)} have fewer than {LEAST_SEEN} scores; "
            "leave them out, or add models"
        )
    shape = Shape(len(table.benchmarks), skills)
    floor = np.array([b.floor for b in table.benchmarks])
    link = Link(floor, np.ones_like(floor))
    inputs = choose_inputs(table)
    groups, rows = grouped(table, inputs)
    theta, solution, settled = maximise(beginning(table, shape, link), shape, groups, link)
    rng = np.random.default_rng(seed)
    thetas = np.vstack([theta, around(theta, shape, groups, solution, draws - 1, rng)])
    others = [solve(t, shape, groups, link, solution.latent) for t in thetas[1:]]
    return SkillFit(
        table, shape, link, inputs, thetas, (solution, *others), tuple(groups), tuple(rows),
        settled, seed,
    )  # fmt: skip


def choose_inputs(table: SkillTable) -> Inputs:
    """Take parameters and tokens where most models have both, or else compute, or else nothing."""
    logs = np.log(table.sizes[np.isfinite(table.share).any(axis=1)])
    for columns in ((0, 1), (2,), (0,)):
        x = logs[np.isfinite(logs[:, columns]).all(axis=1)][:, columns]
        if len(x) >= max(3, 0.5 * len(logs)) and (x.std(axis=0) > 0).all():
            return Inputs(columns, x.mean(axis=0), x.std(axis=0))
    return Inputs((), np.zeros(0), np.ones(0))


def grouped(table: SkillTable, inputs: Inputs) -> tuple[list[Group], list[np.ndarray]]:
    """Return the models by lab, and the rows of each lab."""
    families = pd.factorize(table.family)[0]
    labs = pd.factorize(table.lab)[0]
    rows = [np.flatnonzero(labs == lab) for lab in range(labs.max() + 1)]
    return [group_of(table.where(r), inputs, families[r]) for r in rows], rows


def group_of(table: SkillTable, inputs: Inputs, family: np.ndarray) -> Group:
    """Return the models of one lab."""
    x, known = inputs(table.sizes)
    items = np.array([b.items for b in table.benchmarks])
    seen = np.isfinite(table.share)
    return Group(np.nan_to_num(table.share), np.where(seen, items, 0.0), x, family, known)


def beginning(table: SkillTable, shape: Shape, link: Link) -> np.ndarray:
    """Return parameters to start from: principal directions of the scores in logits."""
    theta, _ = shape.prior()
    eta = link.start(table.share[np.isfinite(table.share).any(axis=1)])
    eta = np.nan_to_num(eta - np.nanmean(eta, axis=0))
    _, scale, right = np.linalg.svd(eta, full_matrices=False)
    k = min(shape.skills, len(scale))
    loadings = np.zeros((shape.benchmarks, shape.skills))
    loadings[:, :k] = 0.6 * right[:k].T * scale[:k] / np.sqrt(len(eta))
    theta[: loadings.size] = loadings.ravel()
    return theta


def maximise(
    theta: np.ndarray, shape: Shape, groups: list[Group], link: Link
) -> tuple[np.ndarray, Solution, bool]:
    """Return the mode of loadings and spreads, latent values there, and whether it settled."""
    solution = solve(theta, shape, groups, link)
    middle, sd = shape.prior()
    gained = np.inf
    for _ in range(ROUNDS):
        before, _ = log_marginal(theta, shape, groups, solution)
        found: Any = minimize(
            _negative, theta, args=(shape, groups, solution), jac=True, method="L-BFGS-B",
            bounds=list(zip(middle - FARTHEST * sd, middle + FARTHEST * sd, strict=True)),
            options={"maxiter": STEPS},
        )  # fmt: skip
        gained = -found.fun - before
        theta = found.x
        solution = solve(theta, shape, groups, link, solution.latent)
        if gained < SETTLED:
            break
    if not np.isfinite(theta).all():
        raise FitError("loadings and spreads ran away; check the scores, or ask for fewer skills")
    at_end = (np.abs(theta - middle) >= 0.999 * FARTHEST * sd).any()
    return theta, solution, bool(gained < 20 * SETTLED and not at_end)


def _negative(theta: np.ndarray, *rest: Any) -> tuple[float, np.ndarray]:
    value, grad = log_marginal(theta, *rest)
    return -value, -grad


def around(
    theta: np.ndarray, shape: Shape, groups: list[Group], at: Solution, n: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Draw loadings and spreads from the normal approximation at their mode.

    Curvature is measured in units of the prior, and nowhere taken to be flatter than that.
    """
    if n < 1:
        return np.empty((0, len(theta)))
    _, sd = shape.prior()
    hessian = np.empty((len(theta), len(theta)))
    for i in range(len(theta)):
        step = np.zeros(len(theta))
        step[i] = _STEP * sd[i]
        up = log_marginal(theta + step, shape, groups, at)[1]
        down = log_marginal(theta - step, shape, groups, at)[1]
        hessian[i] = -(up - down) * sd / (2 * _STEP)
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    spread = vectors / np.sqrt(np.maximum(values, _FLATTEST))
    return theta + (rng.standard_normal((n, len(theta))) @ spread.T) * sd
