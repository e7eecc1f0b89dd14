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
# # Should the budget buy many small runs or one large run?
#
# It is decided by two numbers: how much seeds scatter, and how far the true curve strays from the
# law on the way to the target. Repeats average out the first; only runs near the target remove the
# second.

# %%
import bayeslaw as bl

SEED = 0  # every random number below comes from it
runs = bl.load_dataset("simulated").where("params < 1e9")  # small runs only
fit = bl.fit(runs, seed=SEED)
target = bl.Target(params="3B", tokens="60B", family="north", kind="mean")
budget = 1e20
plans = [
    bl.Plan.one_large(budget),
    bl.Plan.many_small(budget, sizes=6, seeds=2),
    bl.Plan.ladder(budget),
    bl.best_plan(fit, budget, target=target, seed=SEED),
]
choice = bl.decide(fit, plans, target=target, budget=budget, seed=SEED)
print(choice.recommended.plan.name, "-", choice.reason)

# %% [markdown]
# No plan was trained and nothing was refitted: the outcomes of runs that do not exist yet are drawn
# jointly with the target, and conditioning on them says what they would leave of its variance.

# %%
choice.table

# %%
bl.plots.plans(choice)

# %% [markdown]
# Where the uncertainty comes from now. What is owed to the discrepancy, small runs cannot remove.

# %%
for source, variance in vars(choice.variance).items():
    print(f"{source:12s} {variance:+.2e}")

# %% [markdown]
# ## When would splitting pay?
#
# Only where seeds scatter more than the law errs. The curve shows the seed noise at which many small
# runs overtake one large run.

# %%
curve = bl.break_even(fit, plans[:2], target=target, seed=SEED)
print(curve.text)
bl.plots.break_even(curve)

# %% [markdown]
# ## And how should the final budget be spent?
#
# The compute-optimal size is a posterior too, and the valley is flat: the band holds every size whose
# loss is within half a per cent of the best.

# %%
spent = bl.allocate(fit, [1e19, 1e20, 1e21], family="north", seed=SEED)
print(spent.text)

# %%
bl.plots.allocation(spent)

# %% [markdown]
# A model that will serve a trillion tokens should be smaller and trained for longer:

# %%
served = bl.allocate(fit, 1e20, family="north", inference_tokens="1T", seed=SEED)
print(served.text)

# %% [markdown]
# ## Which recipe is better?
#
# Paired draws of the gap, beside the plain ranking at the largest common size. Where the question
# cannot be settled, the cheapest runs that would settle it are named.

# %%
print(bl.compare(fit, bl.Target(params="3B", tokens="60B", kind="mean"), seed=SEED).text)
