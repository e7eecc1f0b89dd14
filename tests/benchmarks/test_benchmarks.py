"""The parts of the benchmark run at toy size, and what they say is so."""

import json
import math

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from bayeslaw import inference, names
from bayeslaw.errors import SpecError
from bayeslaw.simulation import simulate
from tests.benchmarks import (
    agreement,
    corner,
    engine,
    families,
    fresh,
    plain,
    scaling,
    single,
    start,
    tables,
)
from tests.benchmarks.fitting import Moments, beyond, moments, timed_fit
from tests.benchmarks.peers import Additive, huber_bootstrap, wild_least_squares
from tests.benchmarks.posterior import population_ess, population_rhat, sampling_figures
from tests.benchmarks.report import Section, at_most, below, between, failed, shown, write_json
from tests.benchmarks.sizes import TOY
from tests.scoring.synthetic import TRUTH, synthetic_fit

SIMULATED = {"families": 3, "rows": 8}


@pytest.fixture
def invented(monkeypatch):
    """Replace sampling by invented draws, and fresh processes by this one."""
    monkeypatch.setattr(inference, "fit", synthetic_fit)
    monkeypatch.setattr(fresh, "_peak", lambda: 300.0)

    def here(task, limit):
        return {"wall": 1.0, **fresh.perform({**task, "engine": "quadrature"})}

    slow = plain.Plain(10.0, 20.0, 400, 500.0, 5.0, "between[a]", 1.2, True)
    monkeypatch.setattr(families, "sample_plain", lambda runs, **settings: slow)
    monkeypatch.setattr(families, "load", lambda table: None)
    for module in (families, single, scaling, start):
        monkeypatch.setattr(module, "measure", here)


def values(section):
    return {row.what: row.measured for row in section.rows}


def assert_finite(section):
    for row in section.rows:
        assert isinstance(row.measured, str) or math.isfinite(row.measured), row.what


@pytest.fixture(scope="module")
def ladder():
    rng = np.random.default_rng(2)
    params = 10 ** rng.uniform(7.5, 9.8, 120)
    tokens = params * 10 ** rng.uniform(0.6, 2.2, 120)
    runs = simulate("chinchilla", TRUTH, params=params, tokens=tokens, run_sd=0.004, seed=3)
    columns = [runs.table[n].to_numpy(float) for n in (names.PARAMS, names.TOKENS, names.LOSS)]
    return Additive.of(*columns)


@pytest.mark.parametrize("refit", [wild_least_squares, huber_bootstrap])
def test_a_bootstrap_recovers_the_simulated_truth(refit, ladder):
    made = refit(ladder, 200, seed=1)
    curve, run = made.at(70e9, 1.4e12)
    truth = (
        TRUTH["E"] + TRUTH["A"] * 70e9 ** -TRUTH["alpha"] + TRUTH["B"] * 1.4e12 ** -TRUTH["beta"]
    )
    assert made.draws.shape == (200, 5) and made.seconds > 0
    assert abs(curve.mean() - truth) < 3 * curve.std() < 0.2
    for column, symbol in ((3, "alpha"), (4, "beta")):
        found = made.draws[:, column]
        assert abs(found.mean() - TRUTH[symbol]) < 3 * found.std() < 0.2
    assert run.std() > curve.std()


def test_the_wild_bootstrap_gives_the_runs_of_one_configuration_one_sign(ladder):
    both = Additive.of(
        *np.repeat([np.exp(ladder.log_n), np.exp(ladder.log_d)], 2, axis=1),
        np.repeat(ladder.loss, 2),
    )
    once = wild_least_squares(ladder, 100, seed=1).draws.std(0)
    twice = wild_least_squares(both, 100, seed=1).draws.std(0)
    np.testing.assert_allclose(twice, once, rtol=0.3)  # copies of the runs are no evidence


def test_a_simulated_family_scatters_around_its_law_by_what_the_model_supposes():
    runs = tables.simulated(20, 30, seed=1)
    exact = tables.TYPICAL["E"]
    assert runs.table[names.FAMILY].nunique() == 20 and len(runs.table) == 600
    assert 0.5 * exact < runs.table[names.LOSS].min()
    assert tables.simulated(20, 30, seed=1).digest == runs.digest


def test_targets_keep_the_tokens_per_parameter_of_the_largest_run():
    runs = tables.simulated(3, 8)
    for target in beyond(runs):
        own = runs.where(f"family == '{target.family}'").table
        top = own.loc[own[names.FLOPS].idxmax()]
        assert target.flops == pytest.approx(10 * top[names.FLOPS])
        assert target.tokens / target.params == pytest.approx(top["tokens"] / top["params"])


def test_effective_draws_are_those_of_the_slowest_population_parameter(rng):
    good, poor = rng.standard_normal((2, 4, 500))
    poor = np.cumsum(poor, axis=1)
    posterior = xr.Dataset(
        {
            "population": (("chain", "draw", "parameter"), np.stack([good, poor], axis=-1)),
            "between": (("chain", "draw", "parameter"), np.ones((4, 500, 2))),  # constant
            "E": (("chain", "draw"), poor),  # not the population's
        },
        {"parameter": ["E", "alpha"]},
    )
    ess = population_ess(posterior)
    assert list(ess) == ["population[alpha]", "population[E]"]
    assert ess["population[alpha]"] < 100 < ess["population[E]"]
    assert population_rhat(posterior) > 1.01
    found = sampling_figures(posterior, xr.Dataset({"n_steps": (("chain", "draw"), good**2)}))
    assert found["slowest"] == "population[alpha]" and found["gradients"] == pytest.approx(
        1, abs=0.2
    )


def test_a_stopped_chain_counts_only_the_draws_that_all_chains_have():
    log = np.zeros((2, 10, 3))
    log[1, 6:] = np.nan
    assert plain._whole(xr.Dataset({"a": (("chain", "draw", "x"), log)})).sizes["draw"] == 6
    none = plain._judged(None, 2, 1.0, 30.0, False)
    assert none.draws == 0 and none.rate == 2 / 30


def test_every_item_runs_at_toy_size(invented):
    small = {"table": "simulated", "options": SIMULATED}
    sections = [
        single.run(TOY, 1, **small),
        scaling.run(TOY, 1),
        agreement.run(TOY, 1, {"simulated": SIMULATED}),
        start.run(TOY, 1),
    ]
    for section in sections:
        assert len(section.rows) > 5
        assert_finite(section)
    assert 0.5 < values(sections[0])["quadrature against reference, curve: ratio of s.d."] < 2
    assert values(sections[2])["simulated: auto takes"] == "pymc"


def test_the_families_are_timed_against_the_plain_graph(invented, monkeypatch):
    monkeypatch.setitem(tables.TABLES, "real_clean", lambda: tables.simulated(**SIMULATED))
    section = families.run(TOY, 1)
    assert_finite(section)
    found = values(section)
    assert found["plain: ESS per second"] == 5 / 20
    assert found["collapsed: ESS per second over that of the plain graph"] == pytest.approx(
        found["collapsed: ESS per second"] / 0.25
    )


def test_an_engine_that_is_missing_is_a_missed_target(invented, monkeypatch):
    def partly(runs, spec=None, *, engine, **settings):
        if engine == "quadrature":
            raise SpecError("engine 'quadrature' is not available")
        return synthetic_fit(runs, spec, **settings)

    monkeypatch.setattr(inference, "fit", partly)
    section = agreement.run(TOY, 1, {"simulated": SIMULATED})
    assert [row.what for row in section.missed] == ["simulated, quadrature: means apart, most"]
    assert "is not available" in section.missed[0].value


def test_auto_may_not_take_a_path_that_misses(invented, monkeypatch):
    def off(runs, spec=None, *, engine, **settings):
        shifted = synthetic_fit(runs, spec, width=0.03 if engine == "pymc" else 0.2, **settings)
        object.__setattr__(shifted, "engine", "quadrature" if engine == "auto" else engine)
        return shifted

    monkeypatch.setattr(inference, "fit", off)
    section = agreement.run(TOY, 1, {"simulated": SIMULATED})
    assert "simulated: auto takes" in [row.what for row in section.missed]


def test_the_gate_refuses_the_degenerate_corner(invented, monkeypatch):
    monkeypatch.setattr(corner, "load", lambda table: tables.simulated(**SIMULATED))
    section = corner.run(TOY, 1)
    assert_finite(section)
    assert values(section)["forced to the corner: the gate"] == "refuses"
    assert values(section)["forced to the corner: median misfit"] > 1


def test_moments_tell_distance_from_chance():
    here = Moments(np.array([2.0]), np.array([0.1]), np.array([400.0]))
    there = Moments(np.array([1.9]), np.array([0.2]), np.array([100.0]))
    assert here.apart(there)[0] == pytest.approx(0.5)
    assert here.noise(there)[0] == pytest.approx(np.sqrt(1 / 400 + 1 / 100))


def test_a_forecast_is_summarised_by_target(invented):
    runs = tables.simulated(**SIMULATED)
    fitted, seconds = timed_fit(runs, None, "pymc", draws=200)
    found = moments(fitted, beyond(runs))
    assert seconds > 0 and found.mean.shape == found.sd.shape == found.ess.shape == (3,)
    assert (found.sd > 0).all() and (found.ess > 50).all()


def test_growth_is_linear_where_time_is():
    rows = scaling.growth_rows({10: 1.0, 30: 3.0, 100: 10.0, 1000: 200.0})
    met = {row.what: row.met for row in rows}
    assert met["time over linear, 10 to 100 families"]
    assert met["time over linear, 100 to 1000 families"] is False
    assert scaling.exponent({10: 1.0, 30: 3.0}, 10, 30) == pytest.approx(1)


def test_a_fresh_process_says_how_long_it_took_and_what_it_held():
    found = fresh.measure(
        fresh.job("simulated", "quadrature", calls=0, options=SIMULATED), limit=120.0
    )
    assert found["wall"] > found["imports"] > 0 and "end" not in found
    assert found["peak"] > 50


def test_a_process_that_fails_or_lingers_says_so():
    with pytest.raises(fresh.Unmeasured, match="KeyError: 'nothing'"):
        fresh.measure(fresh.job("simulated", "nothing", calls=0), limit=120.0)
    with pytest.raises(fresh.Unmeasured, match="no result within 0 s"):
        fresh.measure(fresh.job("nothing", "quadrature", calls=0), limit=0.01)


def test_missed_targets_are_printed_and_written(monkeypatch, tmp_path, capsys):
    rows = (at_most("slow", 3.0, 2.0, "s"), shown("much", math.nan), between("x", 1.0, 0.9, 1.1))
    whole = Section(1, "one", rows)

    def broken(sizes, cores):
        raise RuntimeError("it broke")

    monkeypatch.setattr(families, "run", lambda sizes, cores: whole)
    monkeypatch.setattr(start, "run", broken)
    monkeypatch.setattr(engine, "_confine", lambda cores: cores)
    path = tmp_path / "found.json"
    engine.main(["--only", "7,1", "--quick", "--json", str(path)])
    printed = capsys.readouterr().out
    assert "MISSED" in printed and "1 of 3 targets met" in printed
    assert "missed, item 1: slow: 3.000 s (target <= 2 s)" in printed
    assert "missed, item 7" in printed and "RuntimeError: it broke" in printed
    written = json.loads(path.read_text())
    assert [s["number"] for s in written["sections"]] == [1, 7]
    assert written["sections"][0]["rows"][0]["met"] is False
    assert written["sections"][0]["rows"][1]["measured"] is None
    assert written["environment"]["quick"] is True


@pytest.mark.parametrize("text", ["5", "x", "1,9"])
def test_an_unknown_item_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        engine.main(["--only", text])
    assert "--only" in capsys.readouterr().err


def test_not_a_number_meets_no_target():
    assert at_most("a", math.nan, 1.0).met is False
    assert below("a", math.nan, 1.0).met is False
    assert between("a", math.nan, 0.0, 1.0).met is False
    assert failed("a", "x" * 500, "< 1").value.endswith("...")


def test_words_in_brackets_are_not_taken_for_markup(tmp_path):
    from tests.benchmarks.report import show

    console = Console(width=60, record=True)
    show(Section(1, "one", (shown("a [b] c", 12345.6, "s"),), ("a note",)), console)
    text = console.export_text()
    assert "a [b] c" in text and "12,346 s" in text and "a note" in text
    write_json(tmp_path / "x.json", [], {})
