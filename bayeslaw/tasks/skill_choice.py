"""How many skills: chosen inside the table, by forecasting its strongest models from the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.tasks.skill_forecast import forecast_skills
from bayeslaw.tasks.skill_table import SkillTable
from bayeslaw.tasks.skills import LEAST_SEEN, fit_skills

STRONGEST = 0.3  #: of the models, held out
CANDIDATES = (1, 2, 3, 4)
LEAST_MODELS = 12


def choose_skills(
    table: SkillTable, candidates: Sequence[int] = CANDIDATES, *, seed: int = 0
) -> tuple[int, dict[int, float]]:
    """Return the number of skills that forecasts best, and the score of each.

    The strongest models of the table are held out; each of their scores is forecast from their
    other scores, with loadings fitted to the weaker ones. The score is the mean CRPS, in shares,
    where the weaker models have enough scores of that benchmark.

    Parameters
    ----------
    table : the models one may learn from, and none that are to be forecast.
    candidates : numbers of skills to try.
    seed : seed of the draws.

    Returns
    -------
    int and dict of int to float

    Raises
    ------
    RunsError
        If there are fewer than twelve models with scores.
    """
    table = table.where(np.isfinite(table.share).any(axis=1))
    if len(table) < LEAST_MODELS:
        raise RunsError(
            f"{table.source}: {len(table)} models; choosing the number of skills needs at least "
            f"{LEAST_MODELS}; give the number instead"
        )
    relative = table.share - np.nanmean(table.share, axis=0)
    order = np.argsort(np.nanmean(relative / np.nanstd(table.share, axis=0), axis=1))
    cut = round(len(order) * (1 - STRONGEST))
    weak, strong = table.where(np.sort(order[:cut])), table.where(np.sort(order[cut:]))
    enough = np.isfinite(weak.share).sum(axis=0) >= LEAST_SEEN
    scores = {}
    for skills in candidates:
        if skills > len(table.benchmarks):
            continue
        fit = fit_skills(weak, skills=skills, draws=1, seed=seed)
        found = []
        for j in np.flatnonzero(enough):
            known = np.isfinite(strong.share[:, j])
            hidden = np.zeros_like(strong.share, bool)
            hidden[:, j] = True
            made = forecast_skills(fit, strong.hide(hidden), seed=seed)
            mine = (made.cells["benchmark"] == table.names[j]).to_numpy()
            draws, truth = made.draws[:, mine][:, known], strong.share[known, j]
            found.append(_crps(draws, truth))
        scores[skills] = float(np.concatenate(found).mean())
    return min(scores, key=lambda k: scores[k]), scores


def _crps(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the CRPS of each column of draws."""
    ordered = np.sort(draws, axis=0)
    n = len(ordered)
    weights = (2 * np.arange(1, n + 1) - n - 1)[:, None]
    spread = (weights * ordered).sum(axis=0) / n**2
    return np.abs(ordered - truth).mean(axis=0) - spread
