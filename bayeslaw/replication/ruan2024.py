"""Ruan et al. 2024: few capabilities behind all benchmarks foretell emergent tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, below, holds, near
from bayeslaw.runs.datasets import dataset_frame
from bayeslaw.tasks.skill_choice import choose_skills
from bayeslaw.tasks.skill_forecast import forecast_skills
from bayeslaw.tasks.skill_table import SkillTable, load_skills
from bayeslaw.tasks.skills import fit_skills

SCORES = ["MMLU", "ARC-C", "HellaSwag", "Winograd", "TruthfulQA", "XWinograd", "HumanEval"]
FAMILIES = (
    "Llama-2", "Llama", "Llama-3", "Llama-3.1", "Qwen1.5", "Qwen", "Mistral", "Mixtral", "Yi",
    "Gemma", "Falcon", "Phi", "Pythia", "BLOOM", "GPT-Neo/J", "OPT", "MPT", "XGLM", "CodeLlama",
    "StarCoder", "StarCoder2", "DeepSeek-Coder",
)  # fmt: skip
CUT = 8.4e22  #: FLOP of the largest model that trains
#: Of each emergent task: column, items, share passed by guessing, and the test error of three
#: principal components by the authors' code on the same table.
TASKS = {
    "word unscramble": ("word_unscrambling_2_exact_match", 2000, 0.0, 0.002629),
    "Persian QA": ("parsinlu_qa_2_acc", 1050, 0.25, 0.006365),
    "IPA transliterate": ("ipa_transliterate_2_exact_match", 1003, 0.0, 0.090089),
    "3-digit subtraction": ("arithmetic_3ds_2_acc", 2000, 0.0, 0.027542),
    "3-digit addition": ("arithmetic_3da_2_acc", 2000, 0.0, 0.005319),
    "2-digit multiplication": ("arithmetic_2dm_2_acc", 2000, 0.0, 0.016855),
    "2-digit addition": ("arithmetic_2da_2_acc", 2000, 0.0, 0.000036),
}


def base_models() -> pd.DataFrame:
    """Return the scores of models of the families they fitted."""
    data = dataset_frame("obsscaling_base")
    return data[data["Model Family"].isin(FAMILIES)]


def components(models: pd.DataFrame) -> np.ndarray:
    """Return cumulative shares of variance: complete rows of models whose compute is public."""
    known = models[models["FLOPs (1E21)"].notna()]
    x = known[[*SCORES, "GSM8K"]].dropna().to_numpy(float)
    spread = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    return np.cumsum(spread) / spread.sum()


def study(models: pd.DataFrame) -> tuple[SkillTable, np.ndarray]:
    """Return scores and emergent tasks of the models that have both, and which of them train."""
    columns = [column for column, *_ in TASKS.values()]
    both = models.merge(dataset_frame("obsscaling_emergent")[["Model", *columns]], on="Model")
    frame = pd.DataFrame({
        "model": both["Model"], "family": both["Model Family"],
        "flops": both["FLOPs (1E21)"] * 1e21,
        **{name: both[name] for name in [*SCORES, *columns]},
    })  # fmt: skip
    items = {column: items for column, items, *_ in TASKS.values()}
    floors = {column: floor for column, _, floor, _ in TASKS.values()}
    names = [*SCORES, *columns]
    table = load_skills(frame, benchmarks=names, items=items, floors=floors)
    return table, (frame["flops"] <= CUT).to_numpy()


@dataclass(frozen=True, eq=False)
class Foretold:
    """One task of the larger models.

    Attributes
    ----------
    models : places of the models that have a score, among the larger ones.
    truth : shares passed, shape (model,).
    expected, observed : draws of them without and with the noise of items, shape (draw, model).
    """

    models: np.ndarray
    truth: np.ndarray
    expected: np.ndarray
    observed: np.ndarray

    @property
    def error(self) -> float:
        """Mean squared error."""
        return float(np.mean((self.expected.mean(axis=0) - self.truth) ** 2))

    @property
    def inside(self) -> np.ndarray:
        """Whether each truth lies inside its 90 % interval."""
        low, high = np.quantile(self.observed, [0.05, 0.95], axis=0)
        return (low <= self.truth) & (self.truth <= high)


def foretold(
    table: SkillTable, small: np.ndarray, skills: int, draws: int, seed: int = 0
) -> dict[str, Foretold]:
    """Forecast every emergent task of larger models from their other scores.

    One model of all scores and tasks is fitted to the small models; of the larger ones it sees no
    task at all.
    """
    fit = fit_skills(table.where(small), skills=skills, draws=draws, seed=seed)
    large = table.where(~small)
    hidden = np.zeros_like(large.share, bool)
    hidden[:, ~np.isin(table.names, SCORES)] = True
    made = forecast_skills(fit, large.hide(hidden))
    out = {}
    for name, (column, *_) in TASKS.items():
        truth = large.share[:, table.names.index(column)]
        known = np.isfinite(truth)
        mine = (made.cells["benchmark"] == column).to_numpy()
        out[name] = Foretold(
            np.flatnonzero(known),
            truth[known],
            made.expected[:, mine][:, known],
            made.draws[:, mine][:, known],
        )
    return out


def _replicate(seed: int) -> list[Claim]:
    models = base_models()
    share = components(models)
    claims = [
        near("share of variance of the first component, 'nearly 80 %'", 0.8,
             Number(float(share[0])), 0.02),
        near("share of variance of the first three, 'about 97 %'", 0.97,
             Number(float(share[2])), 0.01),
    ]  # fmt: skip
    table, small = study(models)
    skills, _ = choose_skills(table.where(small), seed=seed)
    found = foretold(table, small, skills, 6, seed)
    theirs = {name: reference for name, (*_, reference) in TASKS.items()}
    # The same models are asked in every task, so models are drawn once for all of them.
    squares = np.full((len(found), int((~small).sum())), np.nan)
    for row, f in zip(squares, found.values(), strict=True):
        row[f.models] = (f.expected.mean(axis=0) - f.truth) ** 2
    chosen = np.random.default_rng(seed).integers(squares.shape[1], size=(2000, squares.shape[1]))
    picks = np.nanmean(squares[:, chosen], axis=-1).mean(axis=0)
    errors = {name: f.error for name, f in found.items()}
    mean, reference = (float(np.mean(list(e.values()))) for e in (errors, theirs))
    claims.append(below(
        "squared error on larger models, mean over seven emergent tasks", reference,
        Number.of(picks, 0.9, mean),
        note=f"one model of all scores and tasks with {skills} skills, chosen among the models "
        "that train; theirs is a regression of each task on three components",
    ))  # fmt: skip
    worse = [name for name in TASKS if errors[name] > 2 * theirs[name]]
    claims.append(holds(
        "of those, tasks with at most twice their error", Number(len(TASKS) - len(worse)),
        not worse, "all seven", note=", ".join(
            f"{name}: ours {errors[name]:.5f}, theirs {theirs[name]:.5f}" for name in worse
        ),
    ))  # fmt: skip
    inside = float(np.concatenate([f.inside for f in found.values()]).mean())
    claims.append(holds("of those, share inside 90 % intervals", Number(inside),
                        0.8 <= inside <= 0.98, ".80 to .98"))  # fmt: skip
    return claims


SYSTEM = System(
    "ruan2024",
    "three capabilities explain benchmarks, and foretell emergent tasks of larger models",
    "arXiv:2405.10938",
    "obsscaling_base",
    "scores of base models (obsscaling), trained on those of at most 8.4e22 FLOP",
    _replicate,
)
