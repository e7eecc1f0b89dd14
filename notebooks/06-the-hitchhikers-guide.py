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
# alike across families, so a family with a single model can borrow them. The curves are downloaded, or
# read from `BAYESLAW_DATA_DIR`.

# %%
import bayeslaw as bl

SEED = 0  # every random number below comes from it
chosen = ("OPT", "GPT3", "Gadre-c4_original", "datablations-c4-1ep")
everything = bl.load_dataset("colpret_clean").where(f"family in {chosen}")
small, large = everything.split("family != 'OPT' or params < 1e9")
fit = bl.fit(small, seed=SEED)
target = bl.Target(6.7e9, 180e9, "OPT")
forecast = bl.forecast(fit, target, seed=SEED)
low, high = forecast.interval(0.9)
print(
    f"OPT 6.7B from its one model below 1B: {low:.2f} to {high:.2f}, {forecast.extrapolation[0]:.0f}x"
)

# %% [markdown]
# One model of OPT was kept, with the checkpoints of its training; the other families are whole.
#
# ## No pooling, partial pooling, complete pooling
#
# Without pooling one model cannot tell size from data, and the prior fills in. Complete
# pooling takes all labs for one family, as if they had used one data set and one tokenizer. Partial
# pooling lets families scatter as much as they are seen to.

# %%
alone = bl.fit(small.where("family == 'OPT'"), seed=SEED)
one = bl.fit(bl.load_runs(small.table.assign(family="OPT", lab="all")), seed=SEED)
fits = {"none": alone, "partial": fit, "complete": one}
bl.plots.pooling(fits, "OPT", target=target)

# %%
hidden = large.last().table.sort_values("params")
targets = [bl.Target(n, d, "OPT") for n, d in zip(hidden["params"], hidden["tokens"])]
for word, made in fits.items():
    there = bl.forecast(made, targets, seed=SEED)
    ends = there.interval(0.9)
    held = ((ends[:, 0] < hidden["loss"]) & (hidden["loss"] < ends[:, 1])).mean()
    error = (there.table["median"] / hidden["loss"].to_numpy() - 1).abs().mean()
    width = (ends[:, 1] - ends[:, 0]).mean()
    print(f"{word:9s} error {error:.1%}, 90 % intervals {width:.2f} nats wide held {held:.0%}")

# %% [markdown]
# ## How much are exponents alike?

# %%
bl.plots.exponents(fit)

# %% [markdown]
# ## Does it pay to train more models?
#
# The more of its own models a family has, the less it borrows. Now for 175B:

# %%
for most in (1e9, 1e10, 1e11):
    seen = everything.where(f"family != 'OPT' or params < {most}")
    own = seen.last().table.query("family == 'OPT'")
    made = bl.forecast(bl.fit(seen, seed=SEED), bl.Target(175e9, 180e9, "OPT"), seed=SEED)
    low, high = made.interval(0.9)
    print(f"{len(own)} model(s) below {most:.0e}: {low:.2f} to {high:.2f}, width {high - low:.2f}")
