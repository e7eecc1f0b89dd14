"""Comparison: which of several recipes is better at a target, and what it would take to tell."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.design.budgets import frontier_of
from bayeslaw.design.optimum import Frontier
from bayeslaw.design.remedy import Remedy, remedies
from bayeslaw.errors import ExtrapolationWarning, TargetError
from bayeslaw.inference import Fit
from bayeslaw.inference.result import summary
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import Runs

# Beyond so many families only neighbours in the ranking are compared.
_ALL_PAIRS = 12
# Two runs are of one size if their params and tokens differ by less than this, in e-folds.
_SAME = 0.1
# Compute-equivalent gains are looked for up to this factor either way.
_FARTHEST = 1e4
_HALVINGS = 50


@dataclass(frozen=True)
class PlainRanking:
    """The baseline: who was better at the largest size both were trained at.

    Attributes
    ----------
    params, tokens : that size.
    loss_a, loss_b : losses there, replicates averaged.
    """

    params: float
    tokens: float
    loss_a: float
    loss_b: float

    @property
    def a_better(self) -> bool:
        """Whether the first family had the lower loss."""
        return self.loss_a < self.loss_b


@dataclass(frozen=True, eq=False)
class Pair:
    """Two families at one target.

    Attributes
    ----------
    a, b : the families.
    gap : draws of loss of b minus loss of a, nats per token: above zero where a is better.
    gain : draws of the compute-equivalent gain of a: b would need so many times the compute to
        reach a's loss. Beyond 10,000 either way it is cut off. None for a law without a trade
        between size and data.
    level : probability asked of a verdict.
    plain : the ranking at the largest common size; None if there is no common size.
    remedies : the cheapest runs of each sort that are expected to settle an open verdict.
    """

    a: str
    b: str
    gap: np.ndarray
    gain: np.ndarray | None
    level: float
    plain: PlainRanking | None
    remedies: tuple[Remedy, ...] = ()

    @property
    def p_a_better(self) -> float:
        """Probability that the loss of a is lower."""
        return float((self.gap > 0).mean())

    @property
    def resolved(self) -> bool:
        """Whether either is better with the probability asked."""
        return max(self.p_a_better, 1 - self.p_a_better) >= self.level

    @property
    def verdict(self) -> str:
        """One sentence: who is better, or what it would take to tell."""
        p = self.p_a_better
        if self.resolved:
            better, worse, p = (self.a, self.b, p) if p > 0.5 else (self.b, self.a, 1 - p)
            return f"{better} is better than {worse} with probability {p:.1%}."
        start = f"Not resolvable at {self.level:.0%}: P({self.a} better) is {p:.0%}; "
        if not self.remedies:
            return f"{start}no run up to the target's size is expected to settle it."
        return f"{start}{' or '.join(r.words for r in self.remedies)} would do it."

    @property
    def baseline(self) -> str:
        """One sentence: the plain ranking at the largest common size."""
        if self.plain is None:
            return "They have no size in common, so there is no plain ranking."
        p = self.plain
        better, worse = (self.a, self.b) if p.a_better else (self.b, self.a)
        return (
            f"At the largest common size ({p.params:.3g} params, {p.tokens:.3g} tokens) {better} "
            f"was ahead of {worse} by {abs(p.loss_a - p.loss_b):.3g} nats."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form."""
        gap = summary(self.gap)
        plain = None
        if self.plain is not None:
            plain = vars(self.plain) | {"a_better": self.plain.a_better}
        gain = None
        if self.gain is not None:
            told = summary(self.gain)
            gain = {name: told[name] for name in ("median", "intervals")}
            gain["share_cut_off"] = float(
                ((self.gain <= 1 / _FARTHEST) | (self.gain >= _FARTHEST)).mean()
            )
        return {
            "a": self.a,
            "b": self.b,
            "p_a_better": self.p_a_better,
            "gap_median": gap["median"],
            "gap_sd": gap["sd"],
            "gap_intervals": gap["intervals"],
            "compute_equivalent_gain": gain,
            "resolved": self.resolved,
            "verdict": self.verdict,
            "remedies": [r.to_dict() for r in self.remedies],
            "plain_ranking": plain,
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """Families at one target, pair by pair.

    Attributes
    ----------
    target : where they are compared; its family is empty.
    pairs : the verdicts.
    ranking : families by median loss, the best first.
    notes : warnings about the target.
    healthy : whether the fit passed its gate.
    """

    target: Target
    pairs: tuple[Pair, ...]
    ranking: tuple[str, ...]
    notes: tuple[str, ...] = ()
    healthy: bool = True

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per pair: P(a better), the gap and the gain with 90 % intervals."""
        rows = []
        for p in self.pairs:
            row: dict[str, Any] = {"a": p.a, "b": p.b, "p_a_better": p.p_a_better}
            for name, draws in (("gap", p.gap), ("gain", p.gain)):
                if draws is None:
                    continue
                low, row[name], high = np.quantile(draws, [0.05, 0.5, 0.95])
                row |= {f"{name}_low90": low, f"{name}_high90": high}
            rows.append(row | {"resolved": p.resolved})
        return pd.DataFrame(rows)

    @property
    def text(self) -> str:
        """The verdicts, each beside the plain ranking."""
        t = self.target
        lines = [f"At {t.params:.3g} params, {t.tokens:.3g} tokens ({t.kind}):"]
        for p in self.pairs:
            low, middle, high = np.quantile(p.gap, [0.05, 0.5, 0.95])
            line = (
                f"  Loss of {p.b} minus {p.a}: {middle:+.4f} nats (90 %: {low:+.4f} to {high:+.4f})"
            )
            if p.gain is not None:
                low, middle, high = np.quantile(p.gain, [0.05, 0.5, 0.95])
                line += (
                    f"; {p.b} needs {middle:.3g} times the compute (90 %: {low:.3g} to {high:.3g})"
                )
            lines += [p.verdict, f"{line}.", f"  {p.baseline}"]
        if not self.healthy:
            lines.append("The fit failed its health gate: do not rely on this.")
        return "\n".join([*lines, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form."""
        t = self.target
        return {
            "target": {"params": t.params, "tokens": t.tokens, "kind": t.kind},
            "ranking": list(self.ranking),
            "pairs": [p.to_dict() for p in self.pairs],
            "warnings": list(self.notes),
        }

    def __repr__(self) -> str:
        return "\n".join(["<Comparison>", *(p.verdict for p in self.pairs[:8])])


def compare(
    fit: Fit,
    target: Target,
    *,
    families: Sequence[str] | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> Comparison:
    """Compare recipes at a target: who is better, by how much, and what would settle it.

    The families share posterior draws, so what moves them together cancels in their gap; their
    discrepancies are independent.

    Parameters
    ----------
    fit : the posterior, with a family for each recipe.
    target : the size and data to compare at; of kind ``"mean"`` for the recipes, ``"run"`` for
        one training run of each. Its family is not used.
    families : two or more; all of the fit unless given. Beyond twelve, neighbours in the ranking
        are compared.
    level : probability that a verdict needs.
    seed : seed of the random numbers.

    Returns
    -------
    Comparison

    Raises
    ------
    TargetError
        If there are fewer than two families, or one has no rows.
    """
    chosen = list(fit.families if families is None else dict.fromkeys(families))
    strangers = [f for f in chosen if f not in fit.families]
    if strangers or len(chosen) < 2:
        found = f"family '{strangers[0]}' has no rows" if strangers else f"found {len(chosen)}"
        raise TargetError(
            f"a comparison needs two or more families with rows; {found}. The fit has "
            f"{', '.join(fit.families[:8])}."
        )
    if not 0.5 < level < 1:
        raise TargetError(f"level is {level:g}; expected between 0.5 and 1, such as 0.9.")
    asked = [replace(target, family=f) for f in chosen]
    with warnings.catch_warnings():
        # The comparison carries the notes of its forecasts.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        made = forecast(fit, asked, seed=seed)
        curves = forecast(fit, [replace(t, kind="mean") for t in asked], seed=seed)
    loss = dict(zip(chosen, made.draws.values.reshape(-1, len(chosen)).T, strict=True))
    curve = dict(zip(chosen, curves.draws.values.reshape(-1, len(chosen)).T, strict=True))
    ranking = sorted(chosen, key=lambda f: float(np.median(curve[f])))
    pairs = list(combinations(chosen, 2) if len(chosen) <= _ALL_PAIRS else pairwise(ranking))
    laws = {f: frontier_of(fit, f, target.inputs, seed) for f in chosen} if _has_size(fit) else {}
    verdicts = []
    for a, b in pairs:
        gain = _gain(laws[b], target, curve[a], curve[b]) if laws else None
        pair = Pair(a, b, loss[b] - loss[a], gain, level, plain_ranking(fit.runs, a, b))
        if not pair.resolved:
            found = remedies(fit, target, (a, b), pair.plain, level, seed)
            pair = replace(pair, remedies=found)
        verdicts.append(pair)
    notes = dict.fromkeys(n for group in made.notes for n in group)
    return Comparison(
        replace(target, family=None), tuple(verdicts), tuple(ranking), tuple(notes), fit.health.ok
    )


def plain_ranking(runs: Runs, a: str, b: str) -> PlainRanking | None:
    """Rank two families at the largest size both were trained at.

    Parameters
    ----------
    runs : last rows count.
    a, b : the families.

    Returns
    -------
    PlainRanking or None
        None if no size is common, to within a tenth in params and in tokens.
    """
    table = runs.last().table
    mean = table.groupby([names.FAMILY, names.PARAMS, names.TOKENS], as_index=False)[names.LOSS]
    mean = mean.mean()
    own, other = (mean[mean[names.FAMILY] == f].reset_index(drop=True) for f in (a, b))
    apart = np.maximum(
        *(
            np.abs(np.log(own[c].to_numpy()[:, None]) - np.log(other[c].to_numpy()))
            for c in (names.PARAMS, names.TOKENS)
        )
    )
    if not (apart < _SAME).any():
        return None
    compute = np.log(own[names.PARAMS] * own[names.TOKENS]).to_numpy()[:, None]
    best = np.where(apart < _SAME, compute - apart, -np.inf).argmax()
    i, j = np.unravel_index(best, apart.shape)
    n, d, loss = (float(own[c].iloc[i]) for c in (names.PARAMS, names.TOKENS, names.LOSS))
    return PlainRanking(n, d, loss, float(other[names.LOSS].iloc[j]))


def _has_size(fit: Fit) -> bool:
    return {names.PARAMS, names.TOKENS} <= set(fit.law.input_names)


def _gain(law: Frontier, target: Target, goal: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return by how much the compute of a law must grow, size and data alike, to reach a loss."""
    n, d = np.log(target.params), np.log(target.tokens)

    def curve(log_factor: np.ndarray) -> np.ndarray:
        half = log_factor[:, None] / 2
        return law.loss(n + half, d + half)[:, 0]

    # The discrepancy at the target is taken along.
    wanted = goal / own * curve(np.zeros(len(own)))
    low = np.full(len(own), -np.log(_FARTHEST))
    high = -low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = curve(middle) <= wanted
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.exp(high)
