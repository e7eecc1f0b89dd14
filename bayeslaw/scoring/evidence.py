"""Evidence: how often intervals held, and how far forecasts were off, in a set of back-tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.scoring.averages import LEVELS
from bayeslaw.scoring.card import Scorecard
from bayeslaw.scoring.chance import clopper_pearson, uniformity
from bayeslaw.scoring.public_scores import DISCREPANCY, EDGES, TRUSTING

OWN, PUBLIC = "your ladder", "public ladders"
_HEADERS = (
    "model", "beyond", "cases", "families", "labs", *(f"{v} %" for v in LEVELS),
    "90 % by chance", "bias", "CRPS", "energy", "width 90 %", "PIT p",
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """Back-tests of one kind, summed up.

    Attributes
    ----------
    where : whose runs, ``"your ladder"`` or ``"public ladders"``.
    least, most : how far the hidden runs lay beyond: compute over the largest fitted.
    n_cases, n_families, n_labs : how many hidden runs, of how many families and labs; one run
        forecast from two different parts of a ladder is two cases.
    coverage : share of intervals that held, by level; families count alike on your ladder, labs
        on public ones.
    bounds : 95 % Clopper-Pearson bounds on these shares, with as many trials as there are
        families, or labs.
    bias, crps, energy_score, width90 : means relative to the loss; above zero the forecast is too
        high.
    uniformity : of one PIT per family, as :func:`~bayeslaw.scoring.chance.uniformity` says it.
    note : what speaks against relying on it.
    """

    where: str
    least: float
    most: float
    n_cases: int
    n_families: int
    n_labs: int
    coverage: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]
    bias: float
    crps: float
    energy_score: float
    width90: float
    uniformity: Mapping[str, float]
    note: str = ""

    @classmethod
    def of_card(cls, card: Scorecard) -> Evidence:
        """Sum up the back-test of a user's own ladder."""
        s, reach = card.summary, card.table["extrapolation_factor"]
        sick = card.health is not None and not card.health.ok
        return cls(
            OWN, float(reach.min()), float(reach.max()), s["n_targets"], s["n_families"],
            card.n_labs, s["coverage"], card.coverage_bounds, s["bias"], s["crps"],
            float(card.by_family(card.table["energy_score"]).mean()), s["width90"],
            card.uniformity, "its refit failed the health gate" if sick else "",
        )  # fmt: skip

    @classmethod
    def of_bin(cls, scores: pd.DataFrame, place: int, model: str) -> Evidence | None:
        """Sum up the public back-tests that reach as far as one bin; None if there are none.

        Parameters
        ----------
        scores : of :func:`~bayeslaw.scoring.public_scores.public_scores`.
        place : number of the bin.
        model : with or without discrepancy.
        """
        own = scores[(scores["bin"] == place) & (scores["model"] == model)]
        if own.empty:
            return None
        labs = own.groupby(names.LAB)
        mean = labs[[c for c in own if str(c).startswith("held")]].mean().mean()
        figures = labs[["bias", "crps", "energy_score", "width90"]].mean().mean()
        held = {level: float(mean[f"held{level}"]) for level in LEVELS}
        return cls(
            PUBLIC, EDGES[place], EDGES[place + 1], int(own["cases"].sum()), len(own),
            labs.ngroups, held,
            {level: clopper_pearson(share, labs.ngroups) for level, share in held.items()},
            float(figures["bias"]), float(figures["crps"]), float(figures["energy_score"]),
            float(figures["width90"]), uniformity(own["pit"].to_numpy()),
        )  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evidence:
        """Rebuild evidence from :meth:`to_dict`."""
        bounds = {level: tuple(ends) for level, ends in values["bounds"].items()}
        most = np.inf if values["most"] is None else values["most"]
        return cls(**{**values, "bounds": bounds, "most": most})

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; an open end is None."""
        bounds = {level: list(ends) for level, ends in self.bounds.items()}
        most = self.most if np.isfinite(self.most) else None
        return asdict(self) | {"bounds": bounds, "most": most}

    @property
    def reach(self) -> str:
        """How far it reaches, in words.

        Examples
        --------
        >>> held = dict.fromkeys(LEVELS, 1.0)
        >>> Evidence(PUBLIC, 10.0, 30.0, 1, 1, 1, held, {}, 0, 0, 0, 0, {}).reach
        '10 to 30x'
        """
        if not np.isfinite(self.most):
            return f"over {self.least:.3g}x"
        if self.least == 0:
            return f"up to {self.most:.3g}x"
        low, high = f"{self.least:.3g}", f"{self.most:.3g}"
        return f"{low}x" if low == high else f"{low} to {high}x"

    @property
    def sentence(self) -> str:
        """What it says of 90 % intervals, with what so few families or labs can tell."""
        low, high = self.bounds["90"]
        size = count(self.n_families, "family", "families")
        if self.where == PUBLIC:
            size += f", {count(self.n_labs, 'lab')}"
        held = f"90 % intervals held {self.coverage['90']:.0%} ({size}; {low:.0%} to {high:.0%})"
        where = "On public ladders" if self.where == PUBLIC else "On your ladder, largest hidden,"
        beyond = self.reach.removesuffix("x") + " times beyond"
        against = f"; {self.note}" if self.note else ""
        return f"{where} {beyond}, {held}{against}."


def markdown(scores: pd.DataFrame) -> str:
    """Return every bin of public back-tests, with and without discrepancy, as a Markdown table.

    Parameters
    ----------
    scores : of :func:`~bayeslaw.scoring.public_scores.public_scores`.
    """
    lines: list[list[Any]] = [list(_HEADERS), ["---", "---", *["---:"] * (len(_HEADERS) - 2)]]
    for model in (DISCREPANCY, TRUSTING):
        for place in range(len(EDGES) - 1):
            e = Evidence.of_bin(scores, place, model)
            if e is None:
                continue
            low, high = e.bounds["90"]
            lines.append(
                [model, e.reach, e.n_cases, e.n_families, e.n_labs,
                 *(f"{e.coverage[v]:.2f}" for v in LEVELS), f"{low:.2f} to {high:.2f}",
                 *(f"{v:.2%}" for v in (e.bias, e.crps, e.energy_score, e.width90)),
                 f"{e.uniformity['p_value']:.2g}"]
            )  # fmt: skip
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "lab"), count(2, "family", "families")
    ('1 lab', '2 families')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"
