"""The calibration of a posterior: ranks of truths, and the bands they should stay inside."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw.scoring.bands import holm, p_value, uniform_band

LEVELS = ("50", "80", "90", "95")
_SHOWN = 6


@dataclass(frozen=True, eq=False)
class Calibration:
    """How truths drawn from the prior rank among the draws of the posteriors fitted to them.

    Attributes
    ----------
    table : one row per kept simulation and quantity: simulation, quantity, rank (draws below the
        truth), pit (the rank spread evenly over its share of 0 to 1: uniform if calibrated).
    law, engine, seed : what was calibrated.
    simulations, ranked : simulations begun, and posterior draws a truth is ranked among.
    dropped : number and reason of each simulation that was left out, by rules that see the
        simulated losses and their fit, never the truth.
    level : chance that a calibrated posterior passes.
    """

    table: pd.DataFrame
    law: str
    engine: str
    seed: int
    simulations: int
    ranked: int
    dropped: tuple[tuple[int, str], ...] = ()
    level: float = 0.99

    @property
    def kept(self) -> int:
        """Number of simulations that count."""
        return self.simulations - len(self.dropped)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per quantity: whether its ECDF stays in the band, and its intervals' coverage.

        ``p_value`` is exact for one quantity, ``p_holm`` adjusted for their number; ``inside``
        compares it with the level. ``below`` is the share of draws below the truth on average.
        """
        rows = []
        for quantity, own in self.table.groupby("quantity", sort=False):
            pit = own["pit"].to_numpy()
            off = 2 * np.abs(pit - 0.5)
            row: dict[str, Any] = {"quantity": quantity, "p_value": p_value(pit)}
            row["below"] = float(pit.mean())
            row |= {f"coverage{v}": float((off <= float(v) / 100).mean()) for v in LEVELS}
            rows.append(row)
        out = pd.DataFrame(rows)
        out.insert(2, "p_holm", holm(out["p_value"].to_numpy()))
        out.insert(3, "inside", out["p_holm"] >= 1 - self.level)
        return out

    @property
    def passed(self) -> bool:
        """Whether every quantity stays inside its simultaneous band."""
        return bool(self.summary["inside"].all())

    @cached_property
    def slack(self) -> float:
        """How far an ECDF may lie off the diagonal before the first quantity counts as outside."""
        lower, upper = uniform_band(self.kept, 1 - (1 - self.level) / len(self.summary))
        steps = np.arange(self.kept + 1) / self.kept
        return float(max((steps[1:] - lower).max(), (upper - steps[:-1]).max()))

    @property
    def text(self) -> str:
        """The verdict in about ten lines."""
        s = self.summary
        lines = [
            f"Simulation-based calibration of {self.law}, engine {self.engine}.",
            f"{len(s)} quantities, each ranked among {self.ranked} draws in {self.kept} "
            f"simulations; {len(self.dropped)} more ({len(self.dropped) / self.simulations:.1%}) "
            "were dropped by rules that do not see the truth.",
        ]
        reasons = Counter(why for _, why in self.dropped).most_common(_SHOWN)
        lines += [f"  {count} times: {why}" for why, count in reasons]
        held = ", ".join(f"{v} % held {s[f'coverage{v}'].mean():.0%}" for v in LEVELS)
        lines.append(f"Intervals, all quantities together: {held}.")
        by_fault = s.sort_values("p_value").to_dict("records")
        outside = [q for q in by_fault if not q["inside"]]
        if not outside:
            lines.append(
                f"Every ECDF stays inside its {self.level:.0%} simultaneous band (Holm); the least "
                f"uniform is {by_fault[0]['quantity']}, p = {by_fault[0]['p_value']:.2g}."
            )
            lines.append(
                f"In {self.kept} simulations an ECDF that is off by {self.slack:.2f} may pass."
            )
            return "\n".join(lines)
        lines.append(
            f"NOT calibrated: {len(outside)} of {len(s)} ECDFs leave their {self.level:.0%} "
            "simultaneous band (Holm)."
        )
        lines += [
            f"  {q['quantity']}: p = {q['p_value']:.2g}; 90 % intervals held "
            f"{q['coverage90']:.0%}, {q['below']:.0%} of the draws lie below the truth"
            for q in outside[:_SHOWN]
        ]
        if len(outside) > _SHOWN:
            lines.append(f"  and {len(outside) - _SHOWN} more")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as plain JSON values, with the ranks it rests on."""
        ranks = self.table.groupby("quantity", sort=False)["rank"]
        return {
            "law": self.law,
            "engine": self.engine,
            "seed": self.seed,
            "passed": self.passed,
            "level": self.level,
            "simulations": self.simulations,
            "kept": self.kept,
            "ranked": self.ranked,
            "dropped": [{"simulation": i, "reason": why} for i, why in self.dropped],
            "quantities": [
                {str(k): v for k, v in row.items()} for row in self.summary.to_dict("records")
            ],
            "ranks": {str(name): own.tolist() for name, own in ranks},
        }

    def __repr__(self) -> str:
        verdict = "inside its bands" if self.passed else "NOT calibrated"
        return (
            f"<Calibration of {self.law}, engine {self.engine}: {self.kept} simulations, "
            f"{len(self.summary)} quantities, {verdict}>"
        )
