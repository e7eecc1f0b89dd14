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
# # What do the Chinchilla runs really say?
#
# Hoffmann et al. (arXiv:2203.15556) printed a law; Besiroglu et al. (arXiv:2404.10102) read its data
# off a figure and found another fit. Here are posteriors of both questions: the parameters, and how
# to spend a budget. The 240 points are downloaded, or read from `BAYESLAW_DATA_DIR`.

# %%
import bayeslaw as bl

SEED = 0  # every random number below comes from it
runs = bl.load_dataset("chinchilla_epoch_240")
trusted = bl.fit(runs, bl.Spec("chinchilla", discrepancy=None), seed=SEED)
spent = bl.allocate(trusted, 5.76e23, seed=SEED)
print(spent.text)

# %% [markdown]
# With the law trusted, the optimum at Chinchilla's own budget is near 20 tokens per parameter, as
# its authors trained it, and not the 92.7 of their printed constants.
#
# ## The parameters beside the printed ones

# %%
printed = {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}
(family,) = trusted.families
for name, found in trusted.parameters()[family].items():
    low, high = found["intervals"]["90"]
    print(
        f"{name:5s} {found['median']:9.4g}  ({low:.4g} to {high:.4g})   printed {printed[name]:.4g}"
    )

# %%
bl.plots.prior_posterior(trusted)

# %% [markdown]
# ## The law in size and data
#
# Contours of equal loss with the runs on them, and slices of equal compute with the band of their
# optimum.

# %%
bl.plots.surface(trusted)

# %%
bl.plots.isoflop(trusted, [1e19, 1e20, 1e21])

# %% [markdown]
# ## What if the law is not trusted?
#
# The default adds a discrepancy in size and data. It widens the forecast, as it should, but it can
# also take over part of the trade between size and data: inside the range of the runs, allocate with
# the law trusted; for a loss far outside, keep the discrepancy.

# %%
default = bl.fit(runs, seed=SEED)
for name, fit in (("law trusted", trusted), ("default", default)):
    exponent = bl.allocate(fit, 5.76e23, seed=SEED).exponents()["a"]
    forecast = bl.forecast(fit, params="70B", tokens="1.4T", seed=SEED)
    low, high = forecast.interval(0.9)
    print(
        f"{name:12s} N* ~ C^{exponent['median']:.3f}   loss of 70B on 1.4T: {low:.3f} to {high:.3f}"
    )

# %%
bl.plots.residuals(trusted)
