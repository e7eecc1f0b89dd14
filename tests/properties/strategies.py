"""Tables, targets and specifications that hypothesis draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import assume, strategies as st

from bayeslaw.errors import RunsError
from bayeslaw.laws import get_law
from bayeslaw.model import Checkpoints, Discrepancy, Inflated, Noise, Spec
from bayeslaw.runs import load_runs
from bayeslaw.runs.columns import MAX_LABEL, MAX_PARAMS, MAX_TOKENS, MIN_PARAMS

# What spreadsheets, shells, browsers, file systems and terminals would take for more than a name.
HOSTILE = (
    "=1+1", "=cmd|'/C calc'!A0", "+1", "-1", "@sum", "../../etc", "a/b\\c", "C:\\x", "<b>", "&amp;",
    "[red]x[/red]", "{{7*7}}", "${x}", "`x`", "a|b", 'a"b', "a'b", "a,b", "a;b", "nan-1", "%s",
    "\u00e9\u4e2d", "x" * MAX_LABEL,
)  # fmt: skip
_FORBIDDEN = ("Cc", "Cs", "Zl", "Zp", "Cf", "Co", "Cn")
_MISSING = {"", "nan", "na", "n/a", "null", "none", "<na>"}

labels = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(blacklist_categories=_FORBIDDEN), min_size=1, max_size=20),
).filter(lambda s: s == s.strip() and s.lower() not in _MISSING)


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    """Draw a number whose logarithm is spread evenly."""
    return st.floats(float(np.log(low)), float(np.log(high))).map(lambda x: float(np.exp(x)))


losses = st.floats(1.2, 3.5)  # below every median that would read as perplexity


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a legal table: one or two families, every run at a size of its own."""
    families = draw(st.lists(labels, min_size=1, max_size=2, unique=True))
    rows = draw(st.integers(1, 6))
    sizes = draw(
        st.lists(log_uniform(2 * MIN_PARAMS, MAX_PARAMS / 2), min_size=rows, max_size=rows,
                 unique_by=lambda x: f"{x:.6g}")
    )  # fmt: skip
    data = [
        {
            "family": draw(st.sampled_from(families)),
            "params": size,
            "tokens": draw(log_uniform(1e3, MAX_TOKENS / 2)),
            "loss": draw(losses),
        }
        for size in sizes
    ]
    frame = pd.DataFrame(data)
    try:
        load_runs(frame)
    except RunsError as error:
        # Losses at random can look like two units, which is refused on purpose, and nothing else.
        assume("off its own trend" not in str(error))
    return frame


@st.composite
def intervals(draw: st.DrawFn) -> tuple[float, float]:
    """Draw the ends of a positive interval."""
    low = draw(log_uniform(1e-4, 1.0))
    return low, low * draw(st.floats(1.5, 50.0))


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Draw a legal specification."""
    law = get_law(draw(st.sampled_from(["chinchilla", "kaplan", "power_flops", "gadre"])))
    names = st.sampled_from(law.parameter_names)
    words = st.sampled_from(["partial", "shared", "none"])
    noise = Noise(
        run=draw(intervals()), checkpoint=draw(intervals()),
        tails=draw(st.none() | st.floats(2.5, 50.0)), between=draw(st.floats(0.1, 2.0)),
    )  # fmt: skip
    return Spec(
        law,
        pool=draw(words | st.dictionaries(names, words)),
        labs=draw(st.booleans()),
        noise=noise,
        discrepancy=draw(
            st.none()
            | st.builds(Discrepancy, intervals(), st.floats(0.5, 20.0), st.integers(1, 40))
            | st.builds(Inflated, intervals())
        ),
        checkpoints=draw(st.builds(Checkpoints, st.floats(0.0, 0.9), st.integers(1, 50))),
        priors=draw(st.dictionaries(names, intervals())),
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
