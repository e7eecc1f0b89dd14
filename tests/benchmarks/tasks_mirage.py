"""Item 4: whether a jump is the metric's or the model's, over simulated skills of both kinds."""

from __future__ import annotations

import numpy as np

from bayeslaw.tasks.mirage import sharp_or_smooth
from tests.benchmarks.report import Section, below, shown
from tests.benchmarks.tasks_simulated import token_curve

TITLE = "metric or model, simulated"


def run(quick: bool, cores: int) -> Section:
    """Judge skills that are smooth per token, and skills that break."""
    rows = []
    count = 40 if quick else 200
    for broken in (False, True):
        rng = np.random.default_rng(1000 + broken)
        found = [sharp_or_smooth(token_curve(rng, broken=broken), length=5) for _ in range(count)]
        kind, wanted = ("a break", "model") if broken else ("a power law", "metric")
        wrong = np.mean([(f.verdict == "model") != broken for f in found])
        rows.append(below(f"{kind} per token, {count} skills: verdicts not '{wanted}' or 'smooth'"
                          if not broken else
                          f"{kind} per token, {count} skills: verdicts not '{wanted}'",
                          float(wrong), 0.1))  # fmt: skip
        sharp = [f for f in found if f.looks_sharp]
        rows.append(shown("of those, exact match of 5 tokens looks sharp", len(sharp) / count))
        sharp_wrong = float(np.mean([f.verdict != wanted for f in sharp]))
        rows.append(below(f"of the sharp ones, verdict is not '{wanted}'", sharp_wrong, 0.1))
        chance = np.mean([1 - f.p_break if broken else f.p_break for f in found])
        rows.append(shown("mean probability given to the wrong side", float(chance)))
    return Section(4, TITLE, tuple(rows))
