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
# # How do I get from my own table to a forecast?
#
# A table needs four columns: family, params, tokens and loss. Here one is written as a tracker
# might export it: other names, a perplexity, checkpoints, two seeds, and one run that went wrong.

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import bayeslaw as bl

SEED = 0  # every random number below comes from it
folder = Path(mkdtemp())
true = {"E": 1.7, "A": 420.0, "B": 900.0, "alpha": 0.34, "beta": 0.32}
sizes = np.repeat([3e7, 1e8, 3e8, 1e9], 2)
ratio = np.tile([10, 40], 4)
made = bl.simulate(
    "chinchilla",
    true,
    params=sizes,
    tokens=ratio * sizes,
    family="ours",
    seeds=2,
    checkpoints=4,
    seed=SEED,
)
table = made.table.rename(columns={"params": "N", "tokens": "D", "run": "run_name"})
table["val_ppl"] = np.exp(table.pop("loss"))
broken = table["run_name"] == table["run_name"].unique()[8]
table.loc[broken, "val_ppl"] *= 1.08  # this run diverged a little
table[["family", "run_name", "seed", "N", "D", "val_ppl"]].to_csv(folder / "runs.csv", index=False)

runs = bl.load_runs(folder / "runs.csv", rename={"loss": "val_ppl"}, loss_unit="ppl")
fit = bl.fit(runs, seed=SEED)
forecast = bl.forecast(fit, params="7B", tokens="140B", family="ours", seed=SEED)
low, high = forecast.interval(0.9)
print(f"90 % interval at 7B on 140B tokens: {low:.3f} to {high:.3f} nats per token")

# %% [markdown]
# What was read, and what was made of it: `N`, `D` and `run_name` were recognised, the perplexity was
# named and converted to nats. On the command line that is
# `bayeslaw check runs.csv --map loss=val_ppl --loss-unit ppl`.

# %%
runs

# %%
runs.table.head()

# %% [markdown]
# ## Is the table sound?

# %%
for finding in bl.check_runs(runs):
    print(finding)

# %% [markdown]
# ## Which runs look broken?
#
# Each run is judged by a model that has not seen it. Nothing is removed silently: the table says
# what removing a run does to the forecast, and you decide.

# %%
suspects = bl.outliers(fit, forecast)
print(suspects.text)

# %%
bl.plots.residuals(fit)

# %% [markdown]
# The flagged run is the one we broke. Without it:

# %%
name = table.loc[broken, "run_name"].iloc[0]
clean = bl.fit(runs.where(f"run != '{name}'"), seed=SEED)
forecast = bl.forecast(clean, params="7B", tokens="140B", family="ours", seed=SEED)
bl.plots.curves(forecast, fit=clean)

# %% [markdown]
# Here the truth is known, because the runs were simulated:

# %%
truth = 1.7 + 420.0 * 7e9**-0.34 + 900.0 * 1.4e11**-0.32
low, high = forecast.interval(0.9)
print(f"truth {truth:.3f}, interval {low:.3f} to {high:.3f}")

# %% [markdown]
# ## What to send to the person who signs for the compute
#
# One file that opens offline, with the question, the answer, the chart, the warnings and how to
# reproduce it.

# %%
path = bl.report(clean, forecast, path=folder / "report.html")
print(path.name, f"{path.stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# New rows are added without starting over, and a fit is a file that anyone can open:

# %%
clean.save(folder / "fit.nc")
again = bl.load_fit(folder / "fit.nc")
print(again.health.ok, again.families)
