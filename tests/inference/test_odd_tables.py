"""Extreme but legal tables: a finite answer, wide where the table says little, or a refusal."""

import warnings

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import BayeslawWarning, RunsError
from bayeslaw.inference import Fit, fit
from bayeslaw.model import Spec
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import Runs, load_runs

SHORT = {"engine": "quadrature", "draws": 150, "chains": 2, "cores": 1, "seed": 1, "retry": False}


def _table(params, tokens, loss, family="a") -> Runs:
    columns = {"family": family, "params": params, "tokens": tokens, "loss": loss}
    rows = max(np.size(v) for v in columns.values())
    return load_runs(pd.DataFrame({k: np.broadcast_to(v, rows) for k, v in columns.items()}))


def _curve(params, tokens):
    n, d = np.asarray(params, float), np.asarray(tokens, float)
    return 1.7 + 400 * n**-0.34 + 410 * d**-0.28


def _law(params, tokens, family="a", scale=1.0) -> Runs:
    noise = np.random.default_rng(3).normal(0, 0.003, np.size(params))
    return _table(params, tokens, scale * _curve(params, tokens) * np.exp(noise), family)


SIZES = np.repeat(np.geomspace(1e8, 3e9, 4), 2)
DATA = SIZES * np.tile([15.0, 90.0], 4)
# The smallest and largest counts that a table may hold, with losses that stay below 15 nats.
WIDE = np.repeat(np.geomspace(1e3, 1e15, 7), 2)
LOW = np.tile([1e5, 1e6], 7)

TABLES = {
    "from 1e3 to 1e15 parameters": lambda: _table(
        WIDE, WIDE * np.tile([10.0, 1000.0], 7), 1.5 + 5 * (WIDE / 1e3) ** -0.1 + 0.01 * LOW / 1e6
    ),
    "the smallest counts": lambda: _law(
        np.geomspace(1e3, 1e5, 6), np.geomspace(1e5, 3e6, 6), scale=0.1
    ),
    "the largest counts": lambda: _law(np.geomspace(1e12, 1e15, 6), np.geomspace(1e13, 1e18, 6)),
    "losses near 8 nats": lambda: _law(SIZES, DATA, scale=2.2),
    "losses near zero": lambda: _law(SIZES, DATA, scale=1e-4),
    "losses without variance": lambda: _table(SIZES, DATA, 2.5),
    "losses that rise": lambda: _table(SIZES, DATA, 2 + 0.1 * np.arange(8)),
    "size and data collinear": lambda: _law(np.unique(SIZES), 20 * np.unique(SIZES)),
    "one size, data that vary": lambda: _law(np.full(6, 1e9), np.geomspace(1e9, 1e11, 6)),
    "two runs": lambda: _law([1e8, 1e9], [2e9, 2e10]),
    "two families that are identical": lambda: _table(
        np.tile(SIZES, 2), np.tile(DATA, 2), np.tile(_curve(SIZES, DATA), 2),
        np.repeat(["a", "b"], 8),
    ),
    "a family of one row beside others": lambda: _law(
        [*SIZES, 5e8], [*DATA, 1e10], np.array(["a"] * 8 + ["b"])
    ),
    "one lab": lambda: _law(np.tile(SIZES, 2), np.tile(DATA, 2), np.repeat(["a", "b"], 8)),
}  # fmt: skip
REFUSED = {
    "one row": (lambda: _law([1e9], [2e10]), "only 1 row"),
    "one point, replicated": (
        lambda: load_runs(
            pd.DataFrame({"family": "a", "params": 1e9, "tokens": 2e10, "loss": [2.5, 2.6],
                          "seed": ["0", "1"]})
        ),
        "single size",
    ),
}  # fmt: skip


def _fitted(runs: Runs, spec: Spec | None = None) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        return fit(runs, spec, **SHORT)


def _forecast(made: Fit, step: float) -> np.ndarray:
    largest = made.runs.table.loc[made.runs.table["flops"].idxmax()]
    target = Target(
        min(largest["params"] * step, 1e16), min(largest["tokens"] * step, 1e19), made.families[0]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        return forecast(made, target).draws.values


@pytest.mark.parametrize("name", TABLES)
def test_an_extreme_table_has_finite_positive_answers_in_float64(name):
    made = _fitted(TABLES[name]())
    for label, draws in made.posterior.data_vars.items():
        if draws.dtype.kind == "f":
            assert draws.dtype == np.float64, label
            assert np.isfinite(draws.values).all(), label
    losses = _forecast(made, 10.0)
    assert losses.dtype == np.float64
    assert np.isfinite(losses).all() and (losses > 0).all()
    for parameters in made.parameters().values():
        for symbol, summary in parameters.items():
            assert np.isfinite(summary["median"]) and summary["median"] > 0, symbol


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_from_which_nothing_follows_is_refused(name):
    made, said = REFUSED[name]
    with pytest.raises(RunsError, match=said):
        fit(made(), **SHORT)


@pytest.mark.parametrize(
    "name", ["two runs", "size and data collinear", "a family of one row beside others"]
)
def test_a_table_that_says_little_has_a_wider_answer(name):
    full = np.log(_forecast(_fitted(_law(SIZES, DATA)), 10.0)).std()
    runs = TABLES[name]()
    if "beside" in name:
        made = _fitted(runs)
        target = [Target(3e10, 3e11, family) for family in ("a", "b")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BayeslawWarning)
            known, single = np.log(forecast(made, target).draws).std(("chain", "draw")).values
        assert single > known
    else:
        assert np.log(_forecast(_fitted(runs), 10.0)).std() > full


def test_identical_families_have_the_same_answer():
    made = _fitted(TABLES["two families that are identical"]())
    alpha = made.posterior["alpha"]
    apart = abs(alpha.mean(("chain", "draw")).diff("family")) / alpha.std(("chain", "draw")).max()
    assert float(apart.max()) < 0.35  # 300 draws of each
