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
# # How do I add a law of my own?
#
# A law is one block: the facts in a decorator, the formula as a plain function. Engines, graph,
# derivatives, LaTeX and plots follow from it. This one has a single exponent for size and data.

# %%
import bayeslaw as bl
from bayeslaw.laws.latex import latex
from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import FLOOR, PARAMS, TOKENS, amplitude, raw_amplitudes

SEED = 0  # every random number below comes from it
# Amplitudes are losses at the reference point; the published ones, A and B, are for raw counts.
to_published, from_published = raw_amplitudes(
    A=("a", "params", "gamma"), B=("b", "tokens", "gamma")
)


@law(
    inputs=(PARAMS, TOKENS),  # relative to a reference point inside the data
    parameters=(
        FLOOR,  # E, in nats per token; linear, so it is integrated out
        amplitude("a", "size"),
        amplitude("b", "data"),
        Parameter(
            "gamma", "shared exponent", 0.20, 0.54, r"\gamma"
        ),  # a 90 % interval is the prior
    ),
    reference="arXiv:2001.08361",
    to_published=to_published,
    from_published=from_published,
)
def one_exponent(xp, params, tokens, E, a, b, gamma):
    """Size and data fall off with one exponent."""
    return E + a * params**-gamma + b * tokens**-gamma


print(latex(one_exponent))

# %% [markdown]
# ## It fits like any other
#
# `E`, `a` and `b` enter linearly, which is found by looking at the formula, so the fast engines take
# it at once.

# %%
runs = bl.load_dataset("simulated")
fit = bl.fit(runs, law=one_exponent, seed=SEED)
print(fit.reason)
print(fit.health)

# %%
forecast = bl.forecast(fit, bl.Target("7B", "140B", "north"), seed=SEED)
bl.plots.curves(forecast, fit=fit)

# %%
bl.plots.exponents(fit)

# %% [markdown]
# ## Is it any good?
#
# Hide the largest runs and compare with the law that is known to be true here, whose exponents of
# size and data differ a little.

# %%
for candidate in (one_exponent, "chinchilla"):
    card = bl.backtest(runs, law=candidate, seed=SEED)
    name = getattr(candidate, "name", candidate)
    print(f"{name:14s} error {card.summary['mean_are']:.2%}   CRPS {card.summary['crps']:.2%}")

# %% [markdown]
# ## Or average over laws
#
# Weights come from how well each law forecasts the largest runs from the others.

# %%
both = bl.average(runs, bl.Spec("chinchilla", also=(one_exponent,)), seed=SEED)
print(both)

# %% [markdown]
# To keep a law, put the block in a file of its own under `bayeslaw/laws/` and its name in
# `bayeslaw/laws/catalogue.py`: command line, documentation and the tests that run over every law take
# it from there.
