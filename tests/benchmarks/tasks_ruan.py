"""Item 1: emergent tasks of larger models from the scores of smaller ones (arXiv:2405.10938).

Trained on models of at most 8.4e22 FLOP, forecast for the larger ones and those without a figure,
as the authors' code does; seven scores (GSM8K left out), a target at a time. The references are the
test errors of the authors' three principal components on the same table.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from bayeslaw.tasks.skill_forecast import forecast_skills
from bayeslaw.tasks.skill_table import SkillTable, load_skills
from bayeslaw.tasks.skills import fit_skills
from tests.benchmarks.report import Section, at_most, below, between, shown

TITLE = "emergent tasks of larger models (obsscaling)"
SCORES = ["MMLU", "ARC-C", "HellaSwag", "Winograd", "TruthfulQA", "XWinograd", "HumanEval"]
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
FAMILIES = (
    "Llama-2", "Llama", "Llama-3", "Llama-3.1", "Qwen1.5", "Qwen", "Mistral", "Mixtral", "Yi",
    "Gemma", "Falcon", "Phi", "Pythia", "BLOOM", "GPT-Neo/J", "OPT", "MPT", "XGLM", "CodeLlama",
    "StarCoder", "StarCoder2", "DeepSeek-Coder",
)  # fmt: skip
CUT = 8.4e22
#: Their forecasts are mixed in equal parts: the number of skills is not known, and not chosen.
SKILLS = (1, 2, 3, 4)


def frame() -> pd.DataFrame:
    """Return scores and targets by model."""
    folder = Path(os.environ["BAYESLAW_DATA_DIR"]) / "obsscaling"
    scores = pd.read_csv(folder / "base_llm_benchmark_eval.csv")
    tasks = pd.read_csv(folder / "base_llm_emergent_capability_eval.csv")
    both = scores.merge(tasks, on="Model")
    both = both[both["Model Family"].isin(FAMILIES)]
    return pd.DataFrame({
        "model": both["Model"], "family": both["Model Family"],
        "flops": both["FLOPs (1E21)"] * 1e21, **{c: both[c] for c in SCORES},
        **{t: both[t] for t in TARGETS},
    })  # fmt: skip


def table_of(target: str, data: pd.DataFrame) -> tuple[SkillTable, np.ndarray]:
    """Return the models that have a target's score, and which are small."""
    items, floor, _ = TARGETS[target]
    chosen = data[data[target].notna()].reset_index(drop=True)
    others = [t for t in TARGETS if t != target]
    table = load_skills(chosen.drop(columns=others), items={target: items}, floors={target: floor})
    return table, (chosen["flops"] <= CUT).to_numpy()


def forecasts(
    table: SkillTable, small: np.ndarray, skills: int, draws: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return draws of the target's expected and observed share at the large models."""
    fit = fit_skills(table.where(small), skills=skills, draws=draws)
    large = table.where(~small)
    hidden = np.zeros_like(large.share, bool)
    hidden[:, -1] = True
    made = forecast_skills(fit, large.hide(hidden))
    mine = (made.cells["benchmark"] == table.names[-1]).to_numpy()
    return made.expected[:, mine], made.draws[:, mine]


def components(data: pd.DataFrame) -> np.ndarray:
    """Return the cumulative share of variance of the principal components of complete rows."""
    x = data[[*SCORES[:5], "XWinograd", "HumanEval", "GSM8K"]].dropna().to_numpy(float)
    spread = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    return np.cumsum(spread) / spread.sum()


def run(quick: bool) -> Section:
    """Measure every target."""
    data, rows, errors, inside, notes = frame(), [], [], [], []
    draws = 4 if quick else 16
    for target, (_, _, reference) in TARGETS.items():
        table, small = table_of(target, data)
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
        held_alone = {k: float(np.mean((truth >= np.quantile(o, .05, axis=0)) & (truth <= np.quantile(o, .95, axis=0)))) for k, (_, o) in zip(SKILLS, parts, strict=True)}  # noqa: E501  # fmt: skip
        notes.append(
            f"{target}: reference {reference:.6f}; median {np.mean((np.median(mixed, 0) - truth) ** 2):.5f}; "  # noqa: E501
            f"coverage {held.mean():.2f}, mean width {np.mean(high - low):.2f}; by skills "
            + ", ".join(f"{k}: {v:.5f} ({held_alone[k]:.2f})" for k, v in alone.items())
        )
        print(notes[-1], flush=True)
        errors.append(error)
        inside.append(held)
    reference = float(np.mean([r for _, _, r in TARGETS.values()]))
    rows.insert(
        0, below("mean test MSE over the emergent tasks", float(np.mean(errors)), reference)
    )
    rows.insert(1, between("90 % intervals, share of held-out cells inside",
                           float(np.concatenate(inside).mean()), 0.80, 0.98))  # fmt: skip
    folder = Path(os.environ["BAYESLAW_DATA_DIR"]) / "obsscaling"
    share = components(pd.read_csv(folder / "base_llm_benchmark_eval.csv"))
    rows.append(
        between("first principal component, share of variance", float(share[0]), 0.78, 0.81)
    )
    rows.append(between("first three principal components", float(share[2]), 0.96, 0.975))
    rows.append(shown("reference: mean over the same tasks", reference))
    return Section(1, TITLE, tuple(rows), tuple(notes))
