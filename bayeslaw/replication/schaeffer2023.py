"""Schaeffer et al. 2023: a jump may be the metric's, while the skill per token grows smoothly."""

from __future__ import annotations

import numpy as np

from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, close, holds
from bayeslaw.tasks.mirage import Curve, curve_of, metrics, per_token, sharp_or_smooth

EXPONENT, LENGTH, SIZES = -0.3, 5, 9
SIMULATIONS, TOKENS, FEW = 100, 20_000, 100


def _skill(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return sizes and token accuracies ``exp(-(N/c)^exponent)`` of their example."""
    n = np.geomspace(1e7, 1e11, SIZES)
    return n, np.exp(-((n / 10 ** rng.uniform(8, 9.5)) ** EXPONENT))


def _exponent(curve: Curve) -> tuple[float, float]:
    """Return the exponent by a line through log(-log p), weighted by what each share tells."""
    f = np.log(-np.log(curve.share))
    sd = np.sqrt((1 - curve.share) / curve.share / curve.items) / np.abs(np.log(curve.share))
    x = np.log(curve.params)
    x = x - np.average(x, weights=sd**-2)
    precision = float((x**2 / sd**2).sum())
    return float((x * f / sd**2).sum() / precision), precision**-0.5


def _replicate(seed: int) -> list[Claim]:
    rng = np.random.default_rng(seed)
    wrong, sharp, by_edits, by_match = [], [], [], []
    for _ in range(SIMULATIONS):
        n, p = _skill(rng)
        right = np.clip(rng.binomial(TOKENS, p), 1, TOKENS - 1) / TOKENS
        found = sharp_or_smooth(Curve(n, right, np.full(SIZES, float(TOKENS))), length=LENGTH)
        wrong.append(found.verdict == "model")
        sharp.append(found.looks_sharp)
        # A hundred answers: the edit distance counts their tokens, exact match the answers.
        edits = rng.binomial(FEW * LENGTH, 1 - p) / FEW
        shares = np.clip(per_token("edit_distance", edits, length=LENGTH), 1e-3, 1 - 1e-3)
        by_edits.append(_exponent(curve_of(n, shares, np.full(SIZES, FEW * LENGTH * 1.0))))
        answers = rng.binomial(FEW, metrics(p, length=LENGTH)["exact_match"]) / FEW
        by_match.append(_exponent(curve_of(n, answers, np.full(SIZES, FEW * 1.0),
                                           metric="exact_match", length=LENGTH)))  # fmt: skip
    edits, match = np.array(by_edits), np.array(by_match)
    error, off = float(np.mean(wrong)), abs(float(np.median(edits[:, 0])) / EXPONENT - 1)
    wider = float(np.median(match[:, 1] / edits[:, 1]))
    return [
        close("exponent by the edit distance of 100 answers", EXPONENT, Number.of(edits[:, 0])),
        holds("its median error, %", Number(100 * off), off < 0.1, "below 10"),
        holds("s.d. of the exponent by exact match over that by edit distance", Number(wider),
              wider > 1.2, "above 1.2"),
        holds(f"share of {SIMULATIONS} smooth skills whose exact match of {LENGTH} looks sharp",
              Number(float(np.mean(sharp))), bool(np.mean(sharp) > 0.3), "above .3"),
        holds("share of smooth skills that are called a break of the model", Number(error),
              error < 0.1, "below .1"),
    ]  # fmt: skip


SYSTEM = System(
    "schaeffer2023",
    "sharp and unpredictable jumps come from the metric",
    "arXiv:2304.15004",
    None,
    "no table is public: their example simulated, p = exp(-(N/c)^-.3) per token, c from 1e8 to 3e9",
    _replicate,
)
