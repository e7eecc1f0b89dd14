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
# # How far can an interval be trusted?
#
# A 90 % interval should hold the truth nine times in ten. That can be checked: on your own ladder by
# hiding its largest runs, and on simulations where the truth is known.

# %%
import bayeslaw as bl

SEED = 0  # every random number below comes from it
runs = bl.load_dataset("published").where(
    "family in ('Mamba (Pile val)', 'Mamba-2 (Pile val)', 'Llama (SlimPajama)', "
    "'Mamba (SlimPajama)', 'GPT (Pile Hyena eval)')"
)
card = bl.backtest(runs, holdout="largest", seed=SEED)
print(card.text)

# %% [markdown]
# The largest run of every family was hidden, forecast from the others, and scored beside plain
# baselines. CRPS is in units of the loss; the bounds on coverage count families, not rows.

# %%
columns = ["family", "observed", "median", "low90", "high90", "crps", "last_value", "two_point"]
card.table[columns].round(3)

# %%
bl.plots.calibration(card)

# %% [markdown]
# The probability integral transform should be uniform. Curves outside the band mean forecasts that
# are too wide, too narrow or shifted.

# %%
bl.plots.pit(card)

# %% [markdown]
# ## What does the discrepancy do?
#
# Seeds and parameters alone make intervals that are too narrow, because the law itself is a little
# wrong. The discrepancy is a smooth error of the law whose size was learned from public ladders.

# %%
bare = bl.backtest(runs, holdout="largest", spec=bl.Spec(discrepancy=None), seed=SEED)
for name, scores in (("with", card.summary), ("without", bare.summary)):
    held = ", ".join(f"{level} %: {share:.0%}" for level, share in scores["coverage"].items())
    print(f"{name:8s} CRPS {scores['crps']:.2%}   held {held}   width {scores['width90']:.1%}")

# %% [markdown]
# ## Does the answer rest on the priors?
#
# The forecast is made again under other priors. A shift that is small beside the interval means
# that the data decide.

# %%
fit = bl.fit(runs, seed=SEED)
forecast = bl.forecast(fit, params="7B", tokens="300B", family="Mamba (Pile val)", seed=SEED)
print(bl.sensitivity(fit, forecast, seed=SEED).text)

# %% [markdown]
# How much the data narrowed each parameter. Near zero, the prior speaks.

# %%
bl.identifiability(fit).head(8)

# %% [markdown]
# ## When not to trust it
#
# Beyond 300 times the largest run nothing supports an interval, and you are told so. Tokenizers or
# evaluation sets that change inside a family, un-annealed checkpoints among final losses, and
# hyper-parameters tuned less at some sizes are errors that no interval knows about.
