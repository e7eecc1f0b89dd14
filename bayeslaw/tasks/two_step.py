"""A task forecast in two steps: the loss by its law, then the share of items by the curve."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw.errors import ExtrapolationWarning, TargetError
from bayeslaw.inference import Fit, fit as fit_law
from bayeslaw.model import Spec
from bayeslaw.names import FAMILY, LOSS, PARAMS, TOKENS
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import load_runs, parse_target
from bayeslaw.tasks.loss_to_task import ITEMS, SHARE, TaskCurve, fit_task, size_at, task_scores
from bayeslaw.tasks.summary import intervals, summary
from bayeslaw.tasks.table import Column, numbers, read_table, renamed, share, whole

GRID = 25  #: sizes between the smallest seen and a thousand times the largest
REACH = 1e3
Columns = Sequence[Column]


@dataclass(frozen=True, eq=False)
class TwoStep:
    """A forecast of a task through the loss.

    Attributes
    ----------
    curve : from loss to share of items.
    fit : of the law of loss; None where no target was asked for.
    forecasts : a record per target, with its loss and share.
    sizes : draws of the number of parameters at which the task leaves chance, at the tokens per
        parameter of the first target; infinite where no size up to a thousand times the largest
        seen gets there. Empty without a target.
    """

    curve: TaskCurve
    fit: Fit | None
    forecasts: list[dict[str, Any]]
    sizes: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form; an infinite size is null."""
        out: dict[str, Any] = {
            "threshold_loss": summary(self.curve.threshold()),
            "change_point_loss": summary(self.curve.change),
            "p_change_point": self.curve.p_change_point,
            "shape": self.curve.shape,
            "chance": self.curve.chance,
            "forecasts": self.forecasts,
        }
        if self.fit is not None:
            out["law"] = self.fit.law.name
            out["size_that_leaves_chance"] = {
                "p_reached": float(np.isfinite(self.sizes).mean()),
                "median": _finite(float(np.median(self.sizes))),
                "intervals": {
                    level: [_finite(end) for end in ends]
                    for level, ends in intervals_with_infinities(self.sizes).items()
                },
            }
        return out


def intervals_with_infinities(draws: np.ndarray) -> dict[str, list[float]]:
    """Return central intervals whose ends may be infinite."""
    large = np.where(np.isfinite(draws), draws, np.finfo(float).max / 4)
    found = intervals(large)
    return {k: [np.inf if e > 1e300 else e for e in ends] for k, ends in found.items()}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) and value < 1e300 else None


def two_step(
    source: str | Path | pd.DataFrame,
    *,
    targets: Sequence[str | Mapping[str, Any]] = (),
    family: str | None = None,
    chance: float = 0.0,
    items: float | None = None,
    rename: Mapping[str, str] | None = None,
    spec: Spec | None = None,
    engine: str = "auto",
    seed: int = 0,
) -> TwoStep:
    """Forecast a task from a table of runs with losses and shares of items passed.

    Parameters
    ----------
    source : a runs table (family, params, tokens, loss) with the columns share and items; a share
        may be missing. Without targets only loss, share and items are needed.
    targets : such as ``"params=7B,tokens=1T"``; a mapping may also name a family.
    family : of targets that name none; by default that of the largest run.
    chance : share passed by guessing.
    items : of the evaluation to be forecast; by default the largest in the table.
    rename : name wanted to name found.
    spec, engine : of the law of loss.
    seed : seed of the random numbers.

    Returns
    -------
    TwoStep

    Raises
    ------
    RunsError
        Naming each bad cell, what was expected and what to do.
    TargetError
        If a target is incomplete.
    """
    raw, name, rows = read_table(source)
    raw = renamed(raw, name, rename)
    wanted = [_target(t) for t in targets]
    checked = numbers(raw, [share(SHARE, gaps=True), whole(ITEMS, 1)], name, rows)
    if not wanted:
        loss = numbers(raw, [Column(LOSS, lambda v: v > 0, "a number above 0", "drop the row")],
                       name, rows)[LOSS]  # fmt: skip
        return TwoStep(_curve(loss, checked, chance, seed, name), None, [], np.zeros(0))
    runs = load_runs(raw.drop(columns=[SHARE, ITEMS]))
    curve = _curve(runs.table[LOSS], checked, chance, seed, name)
    fit = fit_law(runs, spec or Spec("chinchilla"), seed=seed, engine=engine)
    n_items = items or float(np.nanmax(checked[ITEMS]))
    compute = runs.table[PARAMS] * runs.table[TOKENS]
    own = family or str(runs.table[FAMILY].iloc[int(compute.to_numpy().argmax())])
    aimed = [replace(t, family=t.family or own) for t in wanted]
    losses = _losses(fit, aimed, seed)
    shares = curve.share(losses, items=n_items)
    out = [
        {
            "family": t.family, "params": t.params, "tokens": t.tokens,
            "loss": summary(losses[:, i]), **summary(shares[:, i]),
            "extrapolation_factor": t.params * t.tokens / float(compute.max()),
        }
        for i, t in enumerate(aimed)
    ]  # fmt: skip
    return TwoStep(curve, fit, out, _sizes(fit, curve, aimed[0], seed))


def _curve(
    loss: pd.Series, checked: pd.DataFrame, chance: float, seed: int, name: str
) -> TaskCurve:
    there = np.isfinite(checked[SHARE].to_numpy())
    scores = task_scores(
        loss.to_numpy(float)[there], checked[SHARE].to_numpy()[there],
        checked[ITEMS].to_numpy()[there], source=name,
    )  # fmt: skip
    return fit_task(scores, chance=chance, seed=seed)


def _target(target: str | Mapping[str, Any]) -> Target:
    given: dict[str, Any] = parse_target(target) if isinstance(target, str) else dict(target)
    family = given.pop(FAMILY, None)
    if set(given) != {PARAMS, TOKENS}:
        raise TargetError(
            f"a target gives {', '.join(given) or 'nothing'}; expected params and tokens, such as "
            "params=7B,tokens=1T"
        )
    return Target(given[PARAMS], given[TOKENS], family=family)


def _losses(fit: Fit, targets: list[Target], seed: int) -> np.ndarray:
    """Return draws of the loss, shape (draw, target)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        made = forecast(fit, targets, seed=seed)
    return made.draws.to_numpy().reshape(-1, len(targets))


def _sizes(fit: Fit, curve: TaskCurve, target: Target, seed: int) -> np.ndarray:
    """Draw the size at which the task leaves chance, tokens in the proportion of the target."""
    ratio = target.tokens / target.params
    seen = fit.runs.table[PARAMS]
    grid = np.geomspace(seen.min(), REACH * seen.max(), GRID)
    targets = [replace(target, params=n, tokens=ratio * n, kind="mean") for n in grid]
    losses = _losses(fit, targets, seed)
    threshold = np.random.default_rng(seed).permutation(curve.threshold())
    return size_at(losses, grid, threshold)
