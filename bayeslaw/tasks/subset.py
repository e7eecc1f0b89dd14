"""Which few models to evaluate on a new benchmark: the V-optimal subset.

A new benchmark is, in logits, a linear function of skills. Evaluating a subset S leaves the
forecast of model i with variance ``x_i' (P + X_S' X_S)^-1 x_i``; the subset with the smallest mean
variance over all models is chosen by exchange from a greedy start (arXiv:2405.10938, section 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayeslaw.errors import SpecError
from bayeslaw.tasks.skill_marginal import Group
from bayeslaw.tasks.skills import SkillFit

PRIOR_LOADING_SD = 1.0  #: of the new benchmark, in logits per s.d. of a skill
MISFIT = 0.3  #: s.d. in logits that one evaluation is off


@dataclass(frozen=True)
class Subset:
    """Models to evaluate.

    Attributes
    ----------
    models : their names, the most useful first.
    variance : mean variance of the new benchmark over all models, in squared logits.
    variance_all : the same if every candidate were evaluated.
    """

    models: tuple[str, ...]
    variance: float
    variance_all: float


def choose_models(fit: SkillFit, n: int, *, candidates: np.ndarray | None = None) -> Subset:
    """Return the subset of models whose evaluation tells most of all models.

    Parameters
    ----------
    fit : a fitted latent-skill model.
    n : models that can be paid for.
    candidates : names of the models one may choose; by default all of the fit.

    Returns
    -------
    Subset

    Raises
    ------
    SpecError
        If n is not between 1 and the number of candidates, or a candidate is unknown.
    """
    names = fit.table.models
    allowed = [i for i, name in enumerate(names) if candidates is None or name in set(candidates)]
    if candidates is not None and len(allowed) < len(set(candidates)):
        raise SpecError("some candidates are not among the fitted models; give names of the table")
    if not 1 <= n <= len(allowed):
        raise SpecError(f"{n} models of {len(allowed)} candidates; expected 1 to {len(allowed)}")
    x = np.column_stack([np.ones(len(names)), positions(fit)])
    chosen: list[int] = []
    for _ in range(n):
        rest = [i for i in allowed if i not in chosen]
        chosen.append(min(rest, key=lambda i: _variance(x, [*chosen, i])))
    for _ in range(10):
        before = list(chosen)
        for place in range(n):
            rest = [i for i in allowed if i not in chosen or i == chosen[place]]
            best = min(rest, key=lambda i: _variance(x, [*chosen[:place], i, *chosen[place + 1 :]]))
            chosen[place] = best
        if chosen == before:
            break
    return Subset(tuple(str(names[i]) for i in chosen), _variance(x, chosen), _variance(x, allowed))


def positions(fit: SkillFit) -> np.ndarray:
    """Return each model's skills, standardised: shape (model, skill), known up to rotation.

    The least-squares position on the loadings of its latent values at the mode, levels taken off.
    """
    loadings = fit.loadings
    level = fit.solutions[0].effects[: fit.shape.benchmarks]
    out = np.zeros((len(fit.table), fit.shape.skills))
    for group, rows, latent in zip(fit.groups, fit.rows, fit.solutions[0].latent, strict=True):
        out[rows] = _latent(group, latent, level) @ np.linalg.pinv(loadings).T
    return (out - out.mean(axis=0)) / np.maximum(out.std(axis=0), 1e-9)


def _latent(group: Group, latent: np.ndarray, level: np.ndarray) -> np.ndarray:
    return latent.reshape(group.items.shape) - level


def _variance(x: np.ndarray, chosen: list[int]) -> float:
    gram = np.diag([0.01, *[PRIOR_LOADING_SD**-2.0] * (x.shape[1] - 1)])
    gram = gram + x[chosen].T @ x[chosen] / MISFIT**2
    return float(np.einsum("ij,jk,ik->", x, np.linalg.inv(gram), x) / len(x))
