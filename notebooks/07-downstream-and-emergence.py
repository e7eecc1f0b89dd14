# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What will the larger model be able to do?
#
# People buy capability, not loss. Four questions, each with an interval: what accuracy goes with a
# forecast loss, what the missing benchmark scores are, how rare a rare success is, and whether a
# sudden jump is the model's or the metric's.

# %%
import numpy as np
import pandas as pd

import bayeslaw as bl
from bayeslaw.runs.datasets import dataset_path
from bayeslaw.tasks.two_step import two_step

SEED = 0  # every random number below comes from it
scores = pd.read_csv(dataset_path("downstream")).query("shots == '0' and metric == 'acc'")
lambada = scores[scores["family"].str.startswith("Pythia") & (scores["task"] == "lambada")]
lambada = lambada[lambada["loss"].notna()].drop_duplicates("model")
table = lambada.assign(share=lambada["value"], items=5153)
table = table[["family", "params", "tokens", "loss", "share", "items"]]
small = table[table["params"] < 3e9]
found = two_step(small, targets=["params=11.8B,tokens=300B"], family="Pythia", seed=SEED)
low, high = found.forecasts[0]["intervals"]["90"]
seen = table.query("family == 'Pythia' and params > 1e10")["share"].iloc[0]
print(f"LAMBADA of Pythia 12B from models up to 2.8B: {low:.3f} to {high:.3f}; printed {seen:.3f}")

# %% [markdown]
# ## From loss to a task, in two steps
#
# The law says the loss, a curve says what share of items goes with it, and the doubt of both adds
# up. The losses and accuracies were printed in arXiv:2304.03208. On the command line:
# `bayeslaw task loss-to-task table.csv --target params=12B,tokens=300B`.

# %%
bl.plots.loss_to_task(found)

# %% [markdown]
# ## Which scores are missing?
#
# Models of many families share a few latent skills. One row per model, one column per benchmark,
# gaps allowed; each gap gets an interval. Here the four largest models hide half their scores.

# %%
from bayeslaw.tasks.skill_forecast import forecast_skills
from bayeslaw.tasks.skill_table import load_skills
from bayeslaw.tasks.skills import fit_skills

items = {
    "hellaswag": 10042,
    "piqa": 1838,
    "arc_easy": 2376,
    "arc_challenge": 1172,
    "winogrande": 1267,
    "lambada": 5153,
}
floors = {
    "hellaswag": 0.25,
    "piqa": 0.5,
    "arc_easy": 0.25,
    "arc_challenge": 0.25,
    "winogrande": 0.5,
    "lambada": 0.0,
}
first = scores.drop_duplicates(["model", "task"])
wide = first.pivot(index="model", columns="task", values="value")[list(items)]
wide = first.groupby("model")[["family", "params", "tokens"]].first().join(wide).dropna()
wide = wide.groupby("family").filter(lambda rows: len(rows) >= 5).reset_index()
hidden = wide.nlargest(4, "params").index
truth = wide.loc[hidden, ["model", "piqa", "lambada", "arc_challenge"]].set_index("model")
wide.loc[hidden, list(truth)] = np.nan
skills = fit_skills(load_skills(wide, items=items, floors=floors), skills=2, seed=SEED)
gaps = forecast_skills(skills).table
gaps["printed"] = [truth.loc[m, b] for m, b in zip(gaps["model"], gaps["benchmark"])]
gaps[["model", "benchmark", "low", "median", "high", "printed"]].round(3)

# %%
inside = (gaps["low"] <= gaps["printed"]) & (gaps["printed"] <= gaps["high"])
print(f"{inside.sum()} of {len(gaps)} hidden scores inside their 90 % intervals")

# %% [markdown]
# Which few models tell most of all the others? (`bayeslaw task skills scores.csv --choose 4`)

# %%
from bayeslaw.tasks.subset import choose_models

print(choose_models(skills, 4).models)

# %% [markdown]
# ## How rare is a success that small models almost never show?
#
# Sample until something passes, and count. The law of rare successes (arXiv:2310.03262) is a line in
# log(-log rate). These counts are simulated from such a line; two of the sizes never passed.

# %%
from bayeslaw.tasks.passes import fit_passes, load_passes

rng = np.random.default_rng(SEED)
params = np.repeat(np.geomspace(3e7, 2.4e9, 6), 5)
rate = np.exp(-((params / 1e9) ** -0.75))
counts = pd.DataFrame({"params": params, "samples": 20_000})
counts["passes"] = rng.binomial(counts["samples"], rate)
rare = fit_passes(load_passes(counts), seed=SEED)
ahead = rare.forecast([1e10])[0]
low, high = ahead["intervals"]["90"]
print(f"rate at 10B: {low:.2f} to {high:.2f} (truth {np.exp(-(10**-0.75)):.2f}); {rare.verdict()}")

# %% [markdown]
# ## Does a skill emerge, and at what compute?
#
# The threshold is the compute at which the score is half way up. Few models near it make a wide
# interval, and one that the prior decides is called so.

# %%
from bayeslaw.tasks.emergence import emergence, load_scores

flops = np.geomspace(1e19, 1e24, 9)
way = 1 / (1 + (flops / 3e22) ** -1.2)
tasks = pd.DataFrame({"flops": flops, "share": rng.binomial(250, way) / 250, "items": 250})
jump = emergence(load_scores(tasks), seed=SEED)
low, high = jump.interval(0.9)
print(f"half way up between {low:.1e} and {high:.1e} FLOP (truth 3.0e+22)")
bl.plots.emergence(jump)

# %% [markdown]
# ## Is the jump the model's, or the metric's?
#
# Exact match of a long answer multiplies token accuracies, so it looks sharp even where each token
# improves smoothly (arXiv:2304.15004).

# %%
from bayeslaw.tasks.mirage import curve_of, implied, sharp_or_smooth

sizes = np.geomspace(1e7, 1e11, 9)
accuracy = np.exp(-((sizes / 3e8) ** -0.35))
verdict = sharp_or_smooth(curve_of(sizes, accuracy, np.full(9, 1e5)), length=10)
print(f"looks sharp: {verdict.looks_sharp}; the jump is the {verdict.verdict}'s")
implied("token_accuracy", accuracy, length=10).round(3)
