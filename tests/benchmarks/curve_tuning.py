"""How the model of learning curves was chosen: on simulated curves, before any real one.

uv run python -m tests.benchmarks.curve_tuning
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from bayeslaw.laws import Law
from bayeslaw.model import Discrepancy, Noise, Spec
from tests.benchmarks.curve_law import SPEC
from tests.benchmarks.curve_tables import simulated
from tests.benchmarks.curves import score
from tests.benchmarks.effort import FULL, Effort

_SCORES = ["rmsle", "ll", "msce", "crps", "healthy", "seconds"]


def candidates() -> dict[str, Spec]:
    """Return what was tried, by what differs from the choice."""
    return {
        "as chosen": SPEC,
        "law trusted": replace(SPEC, discrepancy=None),
        "s.d. .2 to 3 %": _wander(0.002, 0.03),
        "s.d. .5 to 8 %": _wander(0.005, 0.08),
        "s.d. 2 to 50 %": _wander(0.02, 0.5),
        "length 2": _wander(0.01, 0.2, 2.0),
        "length 5": _wander(0.01, 0.2, 5.0),
        "exponent to 1": replace(SPEC, law=_prior("beta", 0.16, 1.0)),
        "late starts": replace(SPEC, law=_prior("start", 0.005, 20.0)),
        "floor to 2 %": replace(SPEC, law=_prior("E", 0.02, 1.2)),
        "noise from .05 %": replace(SPEC, noise=Noise(run=(0.0005, 0.05))),
    }


def tune(specs: dict[str, Spec], effort: Effort = FULL, count: int = 80) -> pd.DataFrame:
    """Score specifications on simulated curves, best density first."""
    rows = {}
    for label, spec in specs.items():
        made = [score(curve, spec, effort, 1) for curve in simulated(count)]
        rows[label] = pd.DataFrame(made)[_SCORES].mean()
    return pd.DataFrame(rows).T.sort_values("ll", ascending=False)


def _wander(low: float, high: float, length: float = 3.0) -> Spec:
    return replace(SPEC, discrepancy=Discrepancy(scale=(low, high), length=length))


def _prior(name: str, low: float, high: float) -> Law:
    law: Law = SPEC.law  # type: ignore[assignment]
    changed = (replace(p, low=low, high=high) if p.name == name else p for p in law.parameters)
    return replace(law, parameters=tuple(changed))


if __name__ == "__main__":
    print(tune(candidates()).round(4).to_string())
