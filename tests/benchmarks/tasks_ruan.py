"""Item 1: emergent tasks of larger models from the scores of smaller ones (arXiv:2405.10938).

Trained on models of at most 8.4e22 FLOP, forecast for the larger ones and those without a figure,
as the authors' code does, from seven scores (GSM8K left out). One model of all scores and tasks is
fitted, its number of skills chosen among the models that train. The references are the test errors
of the authors' three principal components on the same table, a regression for each task.
"""

from __future__ import annotations

import numpy as np

from bayeslaw.replication.ruan2024 import TASKS, base_models, components, foretold, study
from bayeslaw.tasks.skill_choice import choose_skills
from tests.benchmarks.report import Section, at_most, below, between, shown

TITLE = "emergent tasks of larger models (obsscaling)"


def run(quick: bool, cores: int) -> Section:
    """Measure every task."""
    models = base_models()
    table, small = study(models)
    skills, scores = choose_skills(table.where(small))
    found = foretold(table, small, skills, 4 if quick else 24)
    theirs = {name: reference for name, (*_, reference) in TASKS.items()}
    reference = float(np.mean(list(theirs.values())))
    share = components(models)
    rows = [
        below("mean test MSE over the emergent tasks",
              float(np.mean([f.error for f in found.values()])), reference),
        between("90 % intervals, share of held-out cells inside",
                float(np.concatenate([f.inside for f in found.values()]).mean()), 0.80, 0.98),
        *(at_most(f"{name}: test MSE ({len(f.truth)} models)", f.error, 2 * theirs[name])
          for name, f in found.items()),
        between("first principal component, share of variance", float(share[0]), 0.78, 0.81),
        between("first three principal components", float(share[2]), 0.96, 0.975),
        shown("reference: mean over the same tasks", reference),
        shown("skills, chosen among the models that train", skills),
    ]  # fmt: skip
    notes = [
        f"{name}: reference {theirs[name]:.6f}; coverage {f.inside.mean():.2f}"
        for name, f in found.items()
    ]
    notes.append("mean CRPS of the strongest models that train, by skills: "
                 + ", ".join(f"{k}: {v:.4f}" for k, v in scores.items()))  # fmt: skip
    if not quick:
        others = {k: foretold(table, small, k, 8) for k in scores if k != skills}
        notes.append("mean test MSE with other numbers of skills: " + ", ".join(
            f"{k}: {np.mean([f.error for f in o.values()]):.4f}" for k, o in others.items()
        ))  # fmt: skip
    return Section(1, TITLE, tuple(rows), tuple(notes))
