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
# # What do other labs' ladders tell about a family of few models?
#
# Choshen et al. (arXiv:2410.11840) collected the training curves of many labs and asked how few
# models a scaling law can be fitted to. Pooling is the other half of the answer: exponents are much
# alike across families, so a family with three models can borrow them. The curves are downloaded, or
# read from `BAYESLAW_DATA_DIR`.

# %%
import bayeslaw as bl

SEED = 0  # every random number below comes from it
chosen = ("OPT", "GPT3", "Gadre-c4_original", "Gadre-rpj", "datablations-c4-1ep", "pile-T5")
everything = bl.load_dataset("colpret_clean").where(f"family in {chosen}")
small, large = everything.split("family != 'OPT' or params < 1e9")
fit = bl.fit(small, seed=SEED)
truth = large.last().table
forecast = bl.forecast(fit, bl.Target(175e9, 180e9, "OPT"), seed=SEED)
low, high = forecast.interval(0.9)
print(f"OPT 175B from its models below 1B: {low:.2f} to {high:.2f}, {forecast.extrapolation[0]:.0f}x")

# %% [markdown]
# All of OPT from 1.3B on was hidden: three models are left, and the target is some hundred times
# their compute. The other families are whole.
#
# ## No pooling, partial pooling, complete pooling
#
# Without pooling three models say almost nothing of three curved parameters. Complete pooling shares
# one set of exponents, floor and amplitudes, as if all labs used one data set. Partial pooling lets
# families scatter as much as they are seen to.

# %%
fits = {"none": bl.fit(small, bl.Spec("chinchilla", pool="none"), seed=SEED), "partial": fit}
same = bl.Spec("chinchilla", pool="shared")
fits["complete"] = bl.fit(small, same, seed=SEED, engine="collapsed", draws=250, tune=300)
bl.plots.pooling(fits, "OPT", target=bl.Target(175e9, 180e9, "OPT"))

# %%
hidden = large.last().table.sort_values("params")
targets = [bl.Target(n, d, "OPT") for n, d in zip(hidden["params"], hidden["tokens"])]
for word, made in fits.items():
    there = bl.forecast(made, targets, seed=SEED).interval(0.9)
    held = ((there[:, 0] < hidden["loss"]) & (hidden["loss"] < there[:, 1])).mean()
    width = (there[:, 1] - there[:, 0]).mean()
    print(f"{word:9s} mean width of 90 % intervals {width:.2f} nats, {held:.0%} of {len(hidden)} held")

# %% [markdown]
# ## How much are exponents alike?

# %%
bl.plots.exponents(fit)

# %% [markdown]
# ## Does it pay to train more models?
#
# The more of its own models a family has, the less it borrows.

# %%
for most in (3e8, 1e9, 7e9, 3e10):
    seen = everything.where(f"family != 'OPT' or params < {most}")
    made = bl.forecast(bl.fit(seen, seed=SEED), bl.Target(175e9, 180e9, "OPT"), seed=SEED)
    low, high = made.interval(0.9)
    print(f"below {most:.0e} params: {low:.2f} to {high:.2f}, width {high - low:.2f}")
