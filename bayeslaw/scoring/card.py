"""The score card: forecasts beside outcomes and plain baselines, by family and by lab."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from bayeslaw import names
from bayeslaw.errors import SpecError
from bayeslaw.inference import Health
from bayeslaw.scoring import card_json, card_text
from bayeslaw.scoring.averages import LEVELS, averages, by_family, figures
from bayeslaw.scoring.baselines import BASELINES
from bayeslaw.scoring.chance import clopper_pearson, uniformity

RIVALS = (*BASELINES, "parametric", "plain_bayes")


@dataclass(frozen=True, eq=False)
class Scorecard:
    """How forecasts of hidden runs turned out.

    Attributes
    ----------
    table : one row per forecast: family, lab, run, params, tokens, observed, median, sd, the
        ends of four intervals, crps, log_score, interval_score, energy_score (of the family's
        targets together), pit, z, extrapolation_factor, known_family and one column per
        baseline; those with a spread also have its intervals and crps, such as
        ``inflated_low90``. Losses are in nats per token, scores in relative loss.
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

    @classmethod
    def joined(cls, cards: Iterable[Scorecard]) -> Scorecard:
        """Join the cards of several back-tests into one.

        Families and labs stay the units: a family of one lab that is on several cards, such as
        those of two holdouts, counts once. The joined card is as healthy as its least healthy
        part, and has no seed, for no single back-test makes it again.

        Parameters
        ----------
        cards : of other data sets, labs or holdouts.

        Returns
        -------
        Scorecard

        Raises
        ------
        SpecError
            If there is no card.
        """
        parts = list(cards)
        if not parts:
            raise SpecError("there is no card to join; expected one or more score cards.")
        return cls(
            pd.concat([card.table for card in parts], ignore_index=True),
            law=_together(card.law for card in parts),
            seed=parts[0].seed if len(parts) == 1 else None,
            holdout=_together(card.holdout for card in parts),
            scored=_together(card.scored for card in parts),
            health=_joint_health([card.health for card in parts if card.health is not None]),
        )

    @property
    def n_families(self) -> int:
        """Number of families, the unit of evidence."""
        return len(self.table[[names.LAB, names.FAMILY]].drop_duplicates())

    @property
    def n_labs(self) -> int:
        """Number of labs, the unit of evidence for another lab."""
        return self.table[names.LAB].nunique()

    @property
    def rivals(self) -> list[str]:
        """The baselines this card has, by name."""
        return [name for name in RIVALS if name in self.table]

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Averages over families of each family's mean over its runs.

        ``bias`` is (median - observed) / observed, so above zero the forecast is too high;
        ``median_are`` is the median over families; ``width90`` is relative to the median. Of a
        baseline, ``crps`` is the error where it has no spread, and ``crps_ratio`` is our CRPS
        over its own, in the ``n_families`` that it can forecast.
        """
        head = {"n_targets": len(self.table), "n_families": self.n_families}
        return head | averages(figures(self.table)) | {"baselines": self._beside()}

    @cached_property
    def by_lab(self) -> pd.DataFrame:
        """One row per lab, of the means over its families.

        Indexed by lab: n_families, n_targets, mean_are, median_are, bias, crps, coverage50 to
        coverage95, width90, worst_z (the largest absolute z) and, for each baseline with a
        spread, our CRPS over its own in the families that it can forecast.
        """
        own = figures(self.table)
        labs, lab = own.groupby(level=0, sort=False), self.table[names.LAB]
        out = labs.mean().rename(columns={"are": "mean_are"})
        out.insert(0, "n_families", labs.size())
        out.insert(1, "n_targets", self.table.groupby(lab, sort=False).size())
        out.insert(3, "median_are", labs["are"].median())
        out["worst_z"] = self.table["z"].abs().groupby(lab, sort=False).max()
        for name in self.rivals:
            if f"{name}_crps" in self.table:
                theirs = figures(self.table, name)["crps"]
                ours = own["crps"].where(theirs.notna())
                means = [x.groupby(level=0, sort=False).mean() for x in (ours, theirs)]
                out[f"crps_over_{name}"] = means[0] / means[1]
        return out

    @cached_property
    def lab_summary(self) -> dict[str, Any]:
        """Averages as in :attr:`summary`, over labs of each lab's mean over its families."""
        labs = figures(self.table).groupby(level=0, sort=False).mean()
        return {"n_labs": self.n_labs} | averages(labs)

    @cached_property
    def coverage_bounds(self) -> dict[str, tuple[float, float]]:
        """95 % Clopper-Pearson bounds on each coverage, counting families as the trials.

        A family of several runs counts as one trial with a fractional success.
        """
        covered = self.summary["coverage"]
        return {level: clopper_pearson(covered[level], self.n_families) for level in LEVELS}

    @cached_property
    def coverage_bounds_by_lab(self) -> dict[str, tuple[float, float]]:
        """The same bounds counting labs as the trials, of the coverage averaged over labs."""
        covered = self.lab_summary["coverage"]
        return {level: clopper_pearson(covered[level], self.n_labs) for level in LEVELS}

    @cached_property
    def farthest(self) -> pd.DataFrame:
        """The rows of :attr:`table` of each family's farthest target: they share its errors."""
        far = self.table.sort_values("extrapolation_factor", ascending=False, kind="stable")
        return far.drop_duplicates([names.LAB, names.FAMILY])

    @cached_property
    def uniformity(self) -> dict[str, Any]:
        """The test of :func:`~bayeslaw.scoring.chance.uniformity` on one PIT per family.

        That of the family's farthest target.
        """
        return uniformity(self.farthest["pit"].to_numpy())

    def by_family(self, values: pd.Series) -> pd.Series:
        """Average values in the order of :attr:`table` over each run, then over each family."""
        return by_family(values, self.table)

    def beaten(self, baseline: str) -> tuple[int, int]:
        """Return in how many families the forecast's error is below a baseline's, and of how many.

        Parameters
        ----------
        baseline : a column of :attr:`table`, such as ``"two_point"``.
        """
        ours, theirs = (figures(self.table, name)["are"] for name in (None, baseline))
        there = theirs.notna()
        return int((ours < theirs)[there].sum()), int(there.sum())

    @property
    def text(self) -> str:
        """The card in about fifteen lines."""
        return card_text.words(self)

    @property
    def verdict(self) -> str:
        """One sentence on whether the 90 % intervals can be taken at their word."""
        return card_text.verdict(self)

    @property
    def table_by_lab(self) -> str:
        """:attr:`by_lab` as a Markdown table, with the means over labs and over families."""
        return card_text.markdown(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form, with missing values as None."""
        return card_json.record(self)

    def _beside(self) -> dict[str, dict[str, Any]]:
        own, out = figures(self.table), {}
        for name in self.rivals:
            theirs = figures(self.table, name)
            there = theirs["are"].notna()
            crps, ours = float(theirs["crps"].mean()), float(own["crps"][there].mean())
            ratio = ours / crps if crps > 0 else float("nan")
            counted = {"crps_ratio": ratio, "n_families": int(there.sum())}
            out[name] = averages(theirs) | counted
        return out

    def __repr__(self) -> str:
        s = self.summary
        return (
            f"<Scorecard: {s['n_targets']} forecasts of {s['n_families']} families; error "
            f"{s['mean_are']:.2%}, 90 % intervals held {s['coverage']['90']:.0%}>"
        )


def _together(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))


def _joint_health(parts: list[Health]) -> Health | None:
    if not parts:
        return None
    return Health(
        failures=tuple(f for health in parts for f in health.failures),
        warnings=tuple(dict.fromkeys(w for health in parts for w in health.warnings)),
    )
