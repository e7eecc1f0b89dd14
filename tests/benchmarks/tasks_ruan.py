"""Item 1: emergent tasks of larger models from the scores of smaller ones (arXiv:2405.10938).

Trained on models of at most 8.4e22 FLOP, forecast for the larger ones and those without a figure,
as the authors' code does; seven scores (GSM8K left out), a target at a time. The references are the
test errors of the authors' three principal components on the same table.
"""

from __future__ import annotations

import numpy as np

from bayeslaw.replication.ruan2024 import base_models, components, forecasts, table_of
from tests.benchmarks.report import Section, at_most, below, between, shown

TITLE = "emergent tasks of larger models (obsscaling)"
#: Items, guessing floor, and the reference error of each target.
TARGETS = {
    "word_unscrambling_2_exact_match": (2000, 0.0, 0.002629),
    "parsinlu_qa_2_acc": (1050, 0.25, 0.006365),
    "ipa_transliterate_2_exact_match": (1003, 0.0, 0.090089),
    "arithmetic_3ds_2_acc": (2000, 0.0, 0.027542),
    "arithmetic_3da_2_acc": (2000, 0.0, 0.005319),
    "arithmetic_2dm_2_acc": (2000, 0.0, 0.016855),
    "arithmetic_2da_2_acc": (2000, 0.0, 0.000036),
}
#: Their forecasts are mixed in equal parts: the number of skills is not known, and not chosen.
SKILLS = (1, 2, 3, 4)


def run(quick: bool, cores: int) -> Section:
    """Measure every target."""
    models, rows, errors, inside, notes = base_models(), [], [], [], []
    draws = 4 if quick else 16
    for target, (items, floor, reference) in TARGETS.items():
        table, small = table_of(target, items, floor, models)
        truth = table.share[~small, -1]
        parts = [forecasts(table, small, k, draws) for k in SKILLS]
        mixed = np.concatenate([expected for expected, _ in parts])
        noisy = np.concatenate([observed for _, observed in parts])
        error = float(np.mean((mixed.mean(axis=0) - truth) ** 2))
        low, high = np.quantile(noisy, [0.05, 0.95], axis=0)
        held = (truth >= low) & (truth <= high)
        alone = {k: float(np.mean((e.mean(axis=0) - truth) ** 2))
                 for k, (e, _) in zip(SKILLS, parts, strict=True)}  # fmt: skip
        rows.append(at_most(f"{target}: test MSE ({len(truth)} models)", error, 2 * reference))
        notes.append(
            f"{target}: reference {reference:.6f}; coverage {held.mean():.2f}, mean width "
            f"{np.mean(high - low):.2f}; MSE by skills "
            + ", ".join(f"{k}: {v:.5f}" for k, v in alone.items())
        )
        errors.append(error)
        inside.append(held)
    reference = float(np.mean([r for _, _, r in TARGETS.values()]))
    rows.insert(
        0, below("mean test MSE over the emergent tasks", float(np.mean(errors)), reference)
    )
    rows.insert(1, between("90 % intervals, share of held-out cells inside",
                           float(np.concatenate(inside).mean()), 0.80, 0.98))  # fmt: skip
    share = components(models)
    rows.append(
        between("first principal component, share of variance", float(share[0]), 0.78, 0.81)
    )
    rows.append(between("first three principal components", float(share[2]), 0.96, 0.975))
    rows.append(shown("reference: mean over the same tasks", reference))
    return Section(1, TITLE, tuple(rows), tuple(notes))
