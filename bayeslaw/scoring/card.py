"""The score card: forecasts beside outcomes and plain baselines, family by family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta

from bayeslaw import names
from bayeslaw.inference import Health
from bayeslaw.scoring.baselines import BASELINES

LEVELS = ("50", "80", "90", "95")
_FAILED = "The refit failed its health gate: do not rely on this card."


@dataclass(frozen=True, eq=False)
class Scorecard:
    """How forecasts of hidden runs turned out.

    Attributes
    ----------
    table : one row per forecast: family, run, params, tokens, observed, median, sd, the ends of
        four intervals, crps, log_score, interval_score, pit, extrapolation_factor, known_family
        and one column per baseline. Losses are in nats per token, scores in relative loss.
    law, seed : what made the forecasts.
    holdout : what was hidden, in words.
    scored : ``"last"`` row of each run or ``"tail"``.
    health : the gate's verdict on the refit, if there was one.
    """

    table: pd.DataFrame
    law: str = ""
    seed: int | None = None
    holdout: str = "given runs"
    scored: str = "last"
    health: Health | None = None

    @property
    def n_families(self) -> int:
        """Number of families, the unit of evidence."""
        return self.table[names.FAMILY].nunique()

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Averages over families of each family's mean over its runs.

        ``bias`` is (median - observed) / observed, so above zero the forecast is too high;
        ``median_are`` is the median over families; ``width90`` is relative to the median.
        """
        t = self.table
        error = (t["median"] - t["observed"]) / t["observed"]
        are = self.by_family(error.abs())
        baselines = {}
        for name in BASELINES:
            if name in t:
                off = self.by_family((t[name] - t["observed"]).abs() / t["observed"])
                baselines[name] = {"mean_are": off.mean(), "median_are": off.median()}
        figures = {
            "n_targets": len(t),
            "n_families": self.n_families,
            "mean_are": are.mean(),
            "median_are": are.median(),
            "bias": self.by_family(error).mean(),
            "crps": self.by_family(t["crps"]).mean(),
            "coverage": {level: self._covered(level).mean() for level in LEVELS},
            "width90": self.by_family((t["high90"] - t["low90"]) / t["median"]).mean(),
            "baselines": baselines,
        }
        return _floats(figures)

    @cached_property
    def coverage_bounds(self) -> dict[str, tuple[float, float]]:
        """95 % Clopper-Pearson bounds on each coverage, counting families as the trials.

        A family of several runs counts as one trial with a fractional success.
        """
        n = self.n_families
        out = {}
        for level in LEVELS:
            hits = self.summary["coverage"][level] * n
            low = beta.ppf(0.025, hits, n - hits + 1) if hits > 0 else 0.0
            high = beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
            out[level] = (float(low), float(high))
        return out

    def by_family(self, values: pd.Series) -> pd.Series:
        """Average values in the order of :attr:`table` over each run, then over each family."""
        keys = [self.table[names.FAMILY], self.table[names.RUN]]
        return values.groupby(keys, sort=False).mean().groupby(level=0, sort=False).mean()

    def beaten(self, baseline: str) -> tuple[int, int]:
        """Return in how many families the forecast's error is below a baseline's, and of how many.

        Parameters
        ----------
        baseline : a column of :attr:`table`, such as ``"two_point"``.
        """
        t = self.table
        ours = self.by_family((t["median"] - t["observed"]).abs() / t["observed"])
        theirs = self.by_family((t[baseline] - t["observed"]).abs() / t["observed"])
        there = theirs.notna()
        return int((ours < theirs)[there].sum()), int(there.sum())

    @property
    def text(self) -> str:
        """The card in about ten lines."""
        s, reach = self.summary, self.table["extrapolation_factor"]
        law = f" of {self.law}" if self.law else ""
        runs = self.table[[names.FAMILY, names.RUN]].drop_duplicates().shape[0]
        where = "above" if s["bias"] > 0 else "below"
        lines = [
            f"Back-test{law}: {_count(runs, 'hidden run')} of "
            f"{_count(s['n_families'], 'family', 'families')} (hidden: {self.holdout}; scored: "
            f"{self.scored}).",
            f"Their compute was {reach.min():.3g} to {reach.max():.3g} times the largest seen "
            f"(median {reach.median():.3g}).",
            f"Forecast error {s['mean_are']:.2%} on average over families (median family "
            f"{s['median_are']:.2%}), {abs(s['bias']):.2%} {where} the real loss; "
            f"CRPS {s['crps']:.2%}.",
        ]
        for name, errors in s["baselines"].items():
            if np.isnan(errors["mean_are"]):
                lines.append(f"  beside {name}: no family has the runs it needs.")
                continue
            better, families = self.beaten(name)
            lines.append(
                f"  beside {name}: {errors['mean_are']:.2%}; the forecast is closer in {better} "
                f"of {_count(families, 'family', 'families')}."
            )
        inside = ", ".join(
            f"{level} % held {s['coverage'][level]:.0%} ({low:.0%} to {high:.0%})"
            for level, (low, high) in self.coverage_bounds.items()
        )
        lines += [
            f"Intervals: {inside}.",
            f"  In brackets what {_count(s['n_families'], 'family', 'families')} can tell "
            "(95 % Clopper-Pearson, one trial per family).",
            f"90 % intervals are {s['width90']:.2%} of the loss wide.",
            self.verdict,
        ]
        return "\n".join(lines)

    @property
    def verdict(self) -> str:
        """One sentence on whether the 90 % intervals can be taken at their word."""
        if self.health is not None and not self.health.ok:
            return _FAILED
        low, high = self.coverage_bounds["90"]
        if high < 0.9:
            return "The 90 % intervals were too narrow: widen them before you rely on them."
        if low > 0.9:
            return "The 90 % intervals were wider than they need be."
        n = _count(self.n_families, "family", "families")
        return f"Nothing speaks against the 90 % intervals, as far as {n} can tell."

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form, with missing values as None."""
        columns = ["family", "known_family", "run", "params", "tokens", "observed", "median", "sd"]
        scores = ["crps", "log_score", "interval_score", "pit", "extrapolation_factor"]
        targets = []
        for row in self.table.to_dict("records"):
            target = {c: row[c] for c in columns}
            target["intervals"] = {v: [row[f"low{v}"], row[f"high{v}"]] for v in LEVELS}
            target |= {c: row[c] for c in scores}
            targets.append(target | {"baselines": {b: row.get(b) for b in BASELINES}})
        return {
            "law": self.law,
            "seed": self.seed,
            "holdout": self.holdout,
            "score": self.scored,
            "health": None if self.health is None else self.health.to_dict(),
            "targets": _plain(targets),
            "summary": _plain(self.summary),
            "coverage_bounds": {k: list(v) for k, v in self.coverage_bounds.items()},
        }

    def _covered(self, level: str) -> pd.Series:
        t = self.table
        inside = (t[f"low{level}"] <= t["observed"]) & (t["observed"] <= t[f"high{level}"])
        return self.by_family(inside.astype(float))

    def __repr__(self) -> str:
        s = self.summary
        return (
            f"<Scorecard: {s['n_targets']} forecasts of {s['n_families']} families; error "
            f"{s['mean_are']:.2%}, 90 % intervals held {s['coverage']['90']:.0%}>"
        )


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _floats(figures: dict[str, Any]) -> dict[str, Any]:
    """Return figures as Python numbers, level by level."""
    return {
        k: _floats(v) if isinstance(v, dict) else v if isinstance(v, int) else float(v)
        for k, v in figures.items()
    }


def _plain(value: Any) -> Any:
    """Return nested figures as JSON values: what is missing becomes None."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
