"""One skill under several metrics, and whether a jump is the metric's or the model's.

A token is right with probability p, and the loss per token is ``-log p``. Exact match of L tokens
is ``p^L``: a smooth p makes it jump. Whether the model itself jumps shows in p: with
``F = log(-log p)``, a power law in size is a straight line, and a break is a step or a kink in it.

References: arXiv:2304.15004.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from bayeslaw.errors import RunsError, SpecError
from bayeslaw.names import PARAMS
from bayeslaw.tasks.table import numbers, positive, read_table, renamed, share, whole

METRICS = ("token_accuracy", "exact_match", "edit_distance", "brier", "multiple_choice")
LEAST_SIZES = 5
#: Priors in F, normal, over e-folds of size: level at the mean size, slope; a step and a kink make
#: the skill better than the straight line foretold.
LEVEL, SLOPE, STEP, KINK = (0.0, 2.0), (-0.3, 0.3), (-1.0, 0.7), (-1.0, 0.7)
SCATTER = np.geomspace(0.01, 0.3, 9)  #: of F from size to size, each as likely
LEAST_RISE = 0.1  #: of exact match, below which it does not look like anything
FLAT, LOOKS_SHARP = 0.1, 0.5  #: of its range: what passes for flat; a sharp rise in a decade


def metrics(p: Any, *, length: int = 1, choices: int = 4) -> dict[str, np.ndarray]:
    """Return what each metric shows of a probability per token.

    Parameters
    ----------
    p : probability that one token is right.
    length : tokens of an answer.
    choices : options of a question.

    Returns
    -------
    dict
        ``token_accuracy`` p; ``exact_match`` p^length; ``edit_distance`` length (1 - p) tokens
        (substitutions only); ``brier`` of a question whose right option has probability p and the
        others share the rest evenly; ``multiple_choice``, right when the whole answer is known
        and by luck otherwise.

    Raises
    ------
    SpecError
        If a number is out of range.

    Examples
    --------
    >>> {k: float(np.round(v, 3)) for k, v in metrics(0.9, length=5).items()}
    {'token_accuracy': 0.9, 'exact_match': 0.59, 'edit_distance': 0.5, 'brier': 0.013,
     'multiple_choice': 0.693}
    """
    p = np.asarray(p, float)
    if not ((p >= 0) & (p <= 1)).all():
        raise SpecError("a probability per token lies outside 0 to 1; give shares, not percentages")
    if length < 1 or choices < 2:
        raise SpecError(f"length {length} and {choices} choices; expected at least 1 and 2")
    exact = p**length
    return {
        "token_accuracy": p,
        "exact_match": exact,
        "edit_distance": length * (1 - p),
        "brier": (1 - p) ** 2 * (1 + 1 / (choices - 1)),
        "multiple_choice": exact + (1 - exact) / choices,
    }


def per_token(metric: str, value: Any, *, length: int = 1, choices: int = 4) -> np.ndarray:
    """Return the probability per token that a metric's value stands for.

    Examples
    --------
    >>> float(per_token("exact_match", 0.32768, length=5).round(6))
    0.8
    """
    value = np.asarray(value, float)
    if metric not in METRICS:
        raise SpecError(f"unknown metric {metric!r}; known: {', '.join(METRICS)}")
    with np.errstate(invalid="ignore"):
        p = {
            "token_accuracy": lambda: value,
            "exact_match": lambda: value ** (1 / length),
            "edit_distance": lambda: 1 - value / length,
            "brier": lambda: 1 - np.sqrt(value / (1 + 1 / (choices - 1))),
            "multiple_choice": lambda: np.maximum(
                (value - 1 / choices) / (1 - 1 / choices), 0.0
            ) ** (1 / length),
        }[metric]()  # fmt: skip
    if not ((p >= 0) & (p <= 1)).all():
        raise SpecError(
            f"values of {metric} stand for no probability at length {length}; check the length, "
            "and that shares are not percentages"
        )
    return p


def implied(metric: str, value: Any, *, length: int = 1, choices: int = 4) -> pd.DataFrame:
    """Return what every metric would show, given one of them."""
    p = per_token(metric, np.atleast_1d(value), length=length, choices=choices)
    return pd.DataFrame(metrics(p, length=length, choices=choices))


@dataclass(frozen=True, eq=False)
class Curve:
    """Token accuracies over sizes.

    Attributes
    ----------
    params, share, items : size, share of tokens that are right, and number of tokens scored.
    """

    params: np.ndarray
    share: np.ndarray
    items: np.ndarray


def load_curve(
    source: str | Path | pd.DataFrame, *, metric: str = "token_accuracy", length: int = 1,
    choices: int = 4, rename: Mapping[str, str] | None = None,
) -> Curve:  # fmt: skip
    """Load a table with columns params, share and items, in a metric that is a share of items.

    Raises
    ------
    RunsError
        Naming each bad cell, or if there are fewer than five sizes.
    """
    raw, name, rows = read_table(source)
    raw = renamed(raw, name, rename)
    table = numbers(raw, [positive(PARAMS), share("share"), whole("items", 1)], name, rows)
    return curve_of(*table.to_numpy(float).T, metric=metric, length=length, choices=choices)


def curve_of(
    params: np.ndarray, shares: np.ndarray, items: np.ndarray, *, metric: str = "token_accuracy",
    length: int = 1, choices: int = 4,
) -> Curve:  # fmt: skip
    """Return a curve per token from a metric that is a share of items."""
    if metric in ("edit_distance", "brier"):
        raise SpecError(f"{metric} is no share of items; turn it into one with per_token")
    if len(np.unique(params)) < LEAST_SIZES:
        raise RunsError(
            f"{len(np.unique(params))} sizes; telling a break from a line needs at least "
            f"{LEAST_SIZES}; add models"
        )
    order = np.argsort(params)
    params, shares, items = (np.asarray(a, float)[order] for a in (params, shares, items))
    inside = (shares * items + 0.5) / (items + 1)  # so that none is 0 or 1
    p = per_token(metric, inside, length=length, choices=choices)
    # The variance of p, as if that many tokens had been scored.
    step = 1e-5
    ends = np.stack([np.maximum(p - step, 0), np.minimum(p + step, 1)])
    rise = np.diff(metrics(ends, length=length, choices=choices)[metric], axis=0)[0]
    slope = np.maximum(rise / np.diff(ends, axis=0)[0], 1e-6)
    variance = inside * (1 - inside) / items / slope**2
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return Curve(params, p, p * (1 - p) / np.maximum(variance, 1e-12))


@dataclass(frozen=True)
class Mirage:
    """Whether a jump is the metric's or the model's.

    Attributes
    ----------
    p_break : posterior probability that the skill per token breaks from its power law; a priori
        one half.
    exact_match : at each size, for answers of the given length.
    looks_sharp : whether exact match is flat over a third of the decades of size, and makes half
        of its rise in a single one.
    length : tokens of an answer.
    """

    p_break: float
    exact_match: tuple[float, ...]
    looks_sharp: bool
    length: int

    @property
    def verdict(self) -> str:
        """Return ``model`` for a break per token, ``metric`` for a jump without, or ``smooth``."""
        if self.p_break > 0.5:
            return "model"
        return "metric" if self.looks_sharp else "smooth"

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form."""
        return {
            "verdict": self.verdict, "p_break": self.p_break, "p_smooth": 1 - self.p_break,
            "looks_sharp": self.looks_sharp, "length": self.length,
            "exact_match": list(self.exact_match),
        }  # fmt: skip


def sharp_or_smooth(curve: Curve, *, length: int = 5) -> Mirage:
    """Tell a jump of the model from one of the metric.

    Parameters
    ----------
    curve : token accuracies over sizes.
    length : tokens of an answer, for exact match.

    Returns
    -------
    Mirage

    References
    ----------
    arXiv:2304.15004.

    Examples
    --------
    >>> n = np.geomspace(1e7, 1e11, 9)
    >>> p = np.exp(-((n / 1e8) ** -0.3))
    >>> found = sharp_or_smooth(Curve(n, p, np.full(9, 1e5)))
    >>> found.verdict, found.p_break < 0.2
    ('smooth', True)
    """
    f = np.log(-np.log(curve.share))
    sd = np.sqrt((1 - curve.share) / curve.share / curve.items) / np.abs(np.log(curve.share))
    x = np.log(curve.params)
    x = x - x.mean()
    gaps = (x[1:-2] + x[2:-1]) / 2  # at least two sizes on either side
    line = [(np.ones_like(x), LEVEL), (x, SLOPE)]
    straight = _evidence(f, sd, line)
    steps = [_evidence(f, sd, [*line, ((x > at).astype(float), STEP)]) for at in gaps]
    kinks = [_evidence(f, sd, [*line, (np.maximum(x - at, 0), KINK)]) for at in gaps]
    broken = logsumexp([*steps, *kinks]) - np.log(2 * len(gaps))
    exact = curve.share**length
    sharp = looks_sharp(curve.params, exact)
    p_break = float(1 / (1 + np.exp(np.clip(straight - broken, -700, 700))))
    return Mirage(p_break, tuple(exact.tolist()), sharp, length)


def looks_sharp(params: np.ndarray, value: np.ndarray) -> bool:
    """Return whether a curve is flat for long and then rises within a decade of size.

    Examples
    --------
    >>> n = np.geomspace(1e7, 1e11, 9)
    >>> looks_sharp(n, np.log(n)), looks_sharp(n, n**0.8)
    (False, True)
    """
    x = np.log10(params)
    grid = np.linspace(x[0], x[-1], 200)
    curve = np.maximum.accumulate(np.interp(grid, x, value))
    whole = curve[-1] - curve[0]
    if whole <= LEAST_RISE:
        return False
    flat = float((curve < curve[0] + FLAT * whole).mean())
    rise = np.interp(np.minimum(grid + 1, grid[-1]), grid, curve) - curve
    return bool(flat > 1 / 3 and rise.max() > LOOKS_SHARP * whole)


def _evidence(
    f: np.ndarray, sd: np.ndarray, terms: list[tuple[np.ndarray, tuple[float, float]]]
) -> float:
    """Return the log evidence of a linear model of F, averaged over the scatter."""
    mean = sum(column * prior[0] for column, prior in terms)
    cov = sum(np.outer(column, column) * prior[1] ** 2 for column, prior in terms)
    out = []
    for scatter in SCATTER:
        root = np.linalg.cholesky(cov + np.diag(sd**2 + scatter**2))
        u = np.linalg.solve(root, f - mean)
        out.append(-0.5 * float(u @ u) - float(np.log(np.diag(root)).sum()))
    return float(logsumexp(out) - np.log(len(SCATTER)))
