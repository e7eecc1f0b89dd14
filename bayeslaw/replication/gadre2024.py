"""Gadre et al. 2024: over-trained models follow one law, forecast from runs 300 times smaller."""

from __future__ import annotations

import numpy as np

from bayeslaw.estimators.number import Number
from bayeslaw.model import Discrepancy
from bayeslaw.replication.claim import Claim, System, below, holds
from bayeslaw.replication.posterior import doubt, fitted, held_out, mean_error
from bayeslaw.runs.datasets import load_dataset

#: Error in per cent of a least-squares fit of every corpus by itself, recomputed on their runs.
LEAST_SQUARES = {"c4_val": 2.8, "openlm_val": 2.3}
CUT = "params < 1e9"


def _replicate(seed: int) -> list[Claim]:
    claims = []
    for loss, bound in LEAST_SQUARES.items():
        train, hidden = load_dataset("gadre_overtrain", loss=loss).split(CUT)
        made = fitted(train, "chinchilla", seed, discrepancy=Discrepancy())
        card = held_out(made, hidden, seed)
        inside = int(card["held"].sum())
        own = fitted(train, "gadre", seed, discrepancy=Discrepancy())
        theirs = mean_error(held_out(own, hidden, seed))
        claims += [
            below(f"error on {len(hidden)} runs of 1.4B and 6.9B, {loss}, %", bound,
                  mean_error(card), estimator=theirs,
                  note="'its estimator': the posterior of their law, one exponent for both terms"),
            holds(f"of those, inside 90 % intervals, {loss}", Number(inside), inside >= 7,
                  "7 or more of 9", note=doubt(made)),
        ]  # fmt: skip
        if loss == "c4_val":
            claims.append(_exponents(made))
    return claims


def _exponents(made) -> Claim:
    gaps = [made.posterior["alpha"].sel(family=f) - made.posterior["beta"].sel(family=f)
            for f in made.families]  # fmt: skip
    gap = Number.of(np.concatenate([g.values.ravel() for g in gaps]))
    return holds("alpha - beta over corpora, one exponent as they claim", gap, gap.holds(0.0),
                 "holds 0")  # fmt: skip


SYSTEM = System(
    "gadre2024",
    "loss of over-trained models follows (a M^eta + b M^-eta) C^-eta above a floor",
    "arXiv:2403.08540",
    "gadre_overtrain",
    "104 runs on three corpora (gadre_overtrain), the 95 up to 411M fitted",
    _replicate,
)
