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
# # What loss will a larger model reach, and how sure are we?
#
# A forecast is a distribution, not a number. This page goes from a table of training runs to an
# interval at ten times the compute, and says how far intervals of this kind were right before.

# %%
import bayeslaw as bl

SEED = 0  # every random number below comes from it
families = ["Pythia (Pile test)", "Mamba (Pile val)", "Mamba-2 (Pile val)", "Llama (SlimPajama)"]
runs = bl.load_dataset("published").where(f"family in {tuple(families)}")
fit = bl.fit(runs, law="chinchilla", seed=SEED)
target = bl.Target(params="7B", tokens="300B", family="Mamba (Pile val)")
forecast = bl.forecast(fit, target, seed=SEED)
low, high = forecast.interval(0.9)
print(f"90 % interval of the loss: {low:.3f} to {high:.3f} nats per token")

# %% [markdown]
# The losses were printed in papers; `bayeslaw datasets` names the source of every row. Each family
# has its own floor and amplitudes, and all share a population of exponents, so a short ladder leans
# on the longer ones.

# %%
bl.plots.curves(forecast, fit=fit)

# %% [markdown]
# ## May the numbers be quoted?
#
# The fit carries its own gate: R-hat, effective sample size, and whether the curve follows the rows
# that it was fitted to. A fit that fails it says what to try.

# %%
print(fit.health)
print(fit)

# %% [markdown]
# ## What is known of the exponents?
#
# Published symbols, for raw parameter and token counts. `E` is no fact of nature: it moves with the
# range of the runs.

# %%
bl.plots.exponents(fit)

# %%
bl.plots.prior_posterior(fit, "Mamba (Pile val)")

# %% [markdown]
# ## How far were such forecasts right before?
#
# Hide the largest run of every family, forecast it from the others, and look. Four targets say little
# about coverage, and the bounds say so; the calibration card adds public ladders at the same
# extrapolation factor. The notebook on trust takes it from here.

# %%
trust = bl.calibration_card(fit, forecast, seed=SEED)
print(trust.text)
