"""Du et al. 2024: a task leaves chance below a threshold of the loss, whatever the model's size."""

from __future__ import annotations

import numpy as np

from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, close, holds
from bayeslaw.tasks.loss_to_task import TaskCurve, fit_task, task_scores

THRESHOLD, CHANCE, RISE = 2.2, 0.25, 0.5  #: nats; share; rise per nat below the threshold
ITEMS, FEW, CHECKPOINTS, DRAWS = 14_000, 30, 60, 2000


def _fit(seed: int, items: int, checkpoints: int = CHECKPOINTS) -> TaskCurve:
    """Fit the curve to simulated checkpoints at chance above the threshold, and rising below."""
    rng = np.random.default_rng(seed)
    loss = np.linspace(1.6, 3.2, checkpoints)
    share = CHANCE + RISE * np.maximum(THRESHOLD - loss, 0)
    scores = task_scores(loss, rng.binomial(items, share) / items, np.full(checkpoints, items))
    return fit_task(scores, chance=CHANCE, draws=DRAWS, seed=seed)


def _smooth(seed: int) -> TaskCurve:
    rng = np.random.default_rng(seed)
    loss = np.linspace(1.6, 3.2, CHECKPOINTS)
    share = CHANCE + (0.9 - CHANCE) / (1 + np.exp(-4 * (THRESHOLD - loss)))
    scores = task_scores(loss, rng.binomial(ITEMS, share) / ITEMS, np.full(len(loss), ITEMS))
    return fit_task(scores, chance=CHANCE, draws=DRAWS, seed=seed)


def _replicate(seed: int) -> list[Claim]:
    many, few, smooth = _fit(seed, ITEMS), _fit(seed, FEW, 8), _smooth(seed)
    found = Number.of(many.change)
    return [
        close("threshold of the loss, nats, 14,000 items", THRESHOLD, found),
        holds("its distance from the truth", Number(abs(found.value - THRESHOLD)),
              abs(found.value - THRESHOLD) <= 0.05, "within .05"),
        holds("probability of a change point against a sigmoid", Number(many.p_change_point),
              many.p_change_point > 0.9, "above .9"),
        holds("the same from 8 checkpoints of 30 items", Number(few.p_change_point),
              0.1 < few.p_change_point < 0.9, "undecided, .1 to .9"),
        holds("the same where the truth is a sigmoid", Number(smooth.p_change_point),
              smooth.p_change_point < 0.1, "below .1"),
    ]  # fmt: skip


SYSTEM = System(
    "du2024",
    "tasks emerge below a threshold of the loss, 2.2 nats for theirs",
    "arXiv:2403.15796",
    None,
    "no table is public: checkpoints simulated with a threshold of 2.2 nats",
    _replicate,
)
