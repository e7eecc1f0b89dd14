"""The commands that decide: what they write and print, from one invented fit."""

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from bayeslaw.cli import app
from tests.scoring.synthetic import ladder, synthetic_fit

TARGET = ["--target", "params=7B,tokens=140B"]


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done


def refused(*arguments):
    done = run(*arguments, code=2)
    assert done.stdout == "" and "internal error" not in done.stderr
    return done.stderr


def record(*arguments):
    return json.loads(run(*arguments, "--json", "-").stdout, parse_constant=pytest.fail)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("decisions")


@pytest.fixture(scope="module")
def fit(folder):
    """Families whose names would be markup, were they read as such."""
    path = folder / "fit.nc"
    synthetic_fit(ladder(("a[bold]", "b")), draws=300).save(path)
    return path


def test_plan_ranks_candidates_and_says_why(fit):
    found = record("plan", fit, *TARGET, "--budget", "1e21", "--family", "b", "--price", 2.5)
    assert {"command", "version", "law", "seed", "health"} <= set(found)
    assert {"now", "plans", "recommendation", "variance"} <= set(found)
    assert {"sd", "width90"} <= set(found["now"])
    assert {"discrepancy", "seed", "checkpoint"} <= set(found["variance"])
    names = [p["name"] for p in found["plans"]]
    assert found["recommendation"]["plan"] in names and "best of pool" in names
    assert {"one large", "two halves", "ladder", "many small", "diverse", "more seeds",
            "longer training", "half-way checkpoint"} <= set(names)  # fmt: skip
    for p in found["plans"]:
        assert {"name", "cost", "runs", "sd", "width90", "evsi", "regret"} <= set(p)
        assert {"params", "tokens", "seeds"} <= set(p["runs"][0])
        assert 0.5e21 < p["cost"] <= 1.0001e21 and p["price"] == pytest.approx(2.5e-18 * p["cost"])
    assert found["break_even"]["plans"] == ["one large", "many small"]
    shown = run("plan", fit, *TARGET, "--budget", "1e21", "--family", "b")
    assert "Recommended:" in shown.stdout and "by source: law" in shown.stdout


def test_plan_names_a_family_where_none_was_and_says_so(fit):
    found = record("plan", fit, *TARGET, "--budget", "1e21")
    assert "no family was named" in found["warnings"][0]
    assert found["target"]["family"] in ("a[bold]", "b")
    assert "a[bold]" in run("plan", fit, *TARGET, "--budget", "1e21").stdout


def test_plan_takes_plans_and_pools_of_ones_own(fit, folder):
    plans, pool = folder / "plans.csv", folder / "pool.csv"
    plans.write_text("plan,N,D,seeds\nmine,1B,20B,2\nmine,2B,20B,1\nyours,3B,20B,1\n")
    pool.write_text("params,tokens\n1B,20B\n2B,20B\n")
    flags = ["--family", "b", "--budget", "1e21"]
    found = record("plan", fit, *TARGET, *flags, "--candidates", plans)
    assert {p["name"] for p in found["plans"]} == {"mine", "yours"}
    assert not any(p["over_budget"] for p in found["plans"])
    dear = ["--family", "b", "--budget", "4e20", "--candidates", plans]
    assert "above the budget" in run("plan", fit, *TARGET, *dear).stdout
    found = record("plan", fit, *TARGET, *flags, "--candidates", plans, "--choose-from", pool)
    best = next(p for p in found["plans"] if p["name"] == "best of pool")
    assert {r["params"] for r in best["runs"]} <= {1e9, 2e9}


def test_plan_for_a_choice_has_what_the_choice_gains(fit):
    found = record("plan", fit, *TARGET, "--budget", "1e21", "--families", "a[bold],b")
    assert found["utility"] == "choice"
    for p in found["plans"]:
        assert 0 <= p["evsi"] <= found["now"]["evpi"] and 0.5 <= p["pcs"] <= 1
    shown = run("plan", fit, *TARGET, "--budget", "1e21", "--families", "a[bold],b").stdout
    assert "P(right)" in shown and "Perfect information" in shown


def test_a_pool_is_refused_where_a_choice_is_planned(fit, folder):
    pool = folder / "pool.csv"
    pool.write_text("params,tokens\n1B,20B\n")
    flags = ["--budget", "1e21", "--families", "a[bold],b", "--choose-from", str(pool)]
    done = CliRunner().invoke(app, ["plan", str(fit), *TARGET, *flags])
    assert done.exit_code == 2 and "not for a choice" in " ".join(done.output.split())


def test_compare_has_the_verdict_beside_the_plain_ranking(fit):
    found = record("compare", fit, *TARGET)
    (pair,) = found["pairs"]
    assert {
        "a",
        "b",
        "p_a_better",
        "gap_median",
        "gap_intervals",
        "compute_equivalent_gain",
    } <= set(pair)
    assert pair["plain_ranking"]["params"] == pytest.approx(1e9)
    shown = run("compare", fit, *TARGET).stdout
    assert "a[bold]" in shown and "At the largest common size" in shown


def test_allocate_has_exponents_and_regions(fit):
    found = record("allocate", fit, "--budget", "1e22", "--budget", "1e23", "--family", "b")
    assert set(found["exponents"]) == {"a", "b"} and len(found["allocations"]) == 2
    for entry in found["allocations"]:
        assert {"flops", "params", "tokens", "loss", "near_optimal"} <= set(entry)
        assert {"params", "loss_slack"} <= set(entry["near_optimal"])
    every = record("allocate", fit, "--budget", "1e22", "--inference-tokens", "1T",
                   "--max-tokens", "100B", "--reach", "2.4", "--price", "2")  # fmt: skip
    assert [a["family"] for a in every["allocations"]] == ["a[bold]", "b"]
    assert set(every["families"]) == {"a[bold]", "b"} and len(every["reach"]) == 2
    assert all("lifetime" in a and 0 <= a["probability_of_reach"] <= 1
               for a in every["allocations"])  # fmt: skip
    shown = run("allocate", fit, "--budget", "1e22", "--inference-tokens", "1T", "--reach", "2.4",
                "--price", "2")  # fmt: skip
    assert "reaches 2.4 with" in shown.stdout and "20,000" in shown.stdout
    assert "N* ~ C^a" in shown.stdout and "to serve 1T tokens" in shown.stdout


@pytest.mark.parametrize(
    ("given", "words"), [("vocab", "name=quantity"), ("params=1B", "unknown name 'params'")]
)
def test_inputs_that_no_law_takes_are_refused(fit, given, words):
    assert words in " ".join(refused("allocate", fit, "--budget", "1e22", "--given", given).split())


def test_midrun_reads_a_job(fit):
    label = synthetic_fit(ladder(("a[bold]", "b")), draws=10).runs.table["run"].iloc[-1]
    found = record("midrun", fit, "--run", label, "--final-tokens", "1T", "--goal", "0.1")
    assert found["reading"]["stop"] is True and found["reading"]["chance"] == 0.0
    assert "Stop" in run(
        "midrun", fit, "--run", label, "--final-tokens", "1T", "--goal", "0.1"
    ).stdout  # fmt: skip


def test_a_ledger_is_kept_scored_and_shown(fit, folder):
    ledger, landed = folder / "ledger.jsonl", folder / "landed.csv"
    run("ledger", "add", ledger, fit, *TARGET, "--family", "b", "--note", "first")
    pd.DataFrame({"family": ["b"], "params": 7e9, "tokens": 1.4e11, "loss": 2.1}).to_csv(
        landed, index=False
    )
    (score,) = record("ledger", "score", ledger, landed)["scores"]
    assert score["observed"] == 2.1 and 0 <= score["pit"] <= 1
    assert "2.100" in run("ledger", "show", ledger).stdout
    assert len(record("ledger", "show", ledger)["forecasts"]) == 1
    refused("ledger", "show", landed)
    refused("ledger", "add", ledger, fit)


@pytest.mark.parametrize(
    ("arguments", "piece"),
    [
        (["plan", "FIT", *TARGET], "--budget"),
        (["plan", "FIT", *TARGET, "--budget", "lots"], "'lots' is not a number"),
        (["plan", "FIT", "--budget", "1e21"], "no target was given"),
        (["plan", "FIT", *TARGET, *TARGET, "--budget", "1e21"], "expected one"),
        (["plan", "FIT", *TARGET, "--budget", "1e21", "--families", "a"], "two or more"),
        (["plan", "FIT", *TARGET, "--budget", "1e21", "--families", "a,\x1b[0m"], r"\\x1b"),
        (["plan", "FIT", *TARGET, "--budget", "1e21", "--candidates", "absent.csv"], "no file"),
        (["plan", "FIT", *TARGET, "--budget", "1e21", "--price", "-1"], "--price"),
        (["allocate", "FIT"], "--budget"),
        (["allocate", "FIT", "--budget", "1e22", "--max-params", "-3"], "--max-params"),
        (["allocate", "FIT", "--budget", "1e22", "--probability", "7"], "--probability"),
        (["compare", "FIT"], "no target was given"),
        (["compare", "FIT", *TARGET, "--families", "b,x"], "'x' has no rows"),
        (["compare", "FIT", *TARGET, "--kind", "best"], "--kind"),
        (["midrun", "FIT"], "--run"),
        (["midrun", "FIT", "--run", "nobody", "--final-tokens", "1T"], "'nobody' has no rows"),
        (["ledger", "score", "absent.jsonl", "FIT"], "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_question_that_cannot_be_answered_is_refused(arguments, piece, fit):
    said = refused(*[fit if argument == "FIT" else argument for argument in arguments])
    assert re.search(piece, said), said
