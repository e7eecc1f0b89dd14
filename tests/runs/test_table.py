"""Runs are values: chosen from, never changed."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import RunsError
from bayeslaw.runs import Runs, load_runs


@pytest.fixture
def curves() -> Runs:
    tokens = np.arange(1, 101) * 1e9
    frames = [
        pd.DataFrame(
            {
                "family": family,
                "run": f"{family}-{params:g}",
                "params": params,
                "tokens": tokens,
                "loss": 1.8 + 400 * params**-0.34 + 400 * tokens**-0.28,
            }
        )
        for family, params in (("a", 1e8), ("a", 1e9), ("b", 1e9))
    ]
    return load_runs(pd.concat(frames).sample(frac=1, random_state=1))


def test_runs_count_rows_runs_and_families(curves):
    assert (len(curves), curves.n_runs, sorted(curves.families)) == (300, 3, ["a", "b"])


def test_families_keep_the_order_first_seen():
    frame = pd.DataFrame({"family": ["z", "b", "z"], "params": [1e8, 2e8, 3e8], "tokens": 1e9})
    assert load_runs(frame.assign(loss=3.0)).families == ["z", "b"]


def test_last_keeps_the_row_with_most_tokens(curves):
    last = curves.last()
    assert last.table["tokens"].tolist() == [1e11] * 3
    assert last.table["final"].all()
    assert last.last() == last


def test_thin_keeps_late_rows_spaced_in_log_tokens(curves):
    thin = curves.thin(after=0.1, at_most=4)
    for _, rows in thin.table.groupby("run"):
        tokens = np.sort(rows["tokens"])
        np.testing.assert_allclose(tokens, [1e10, 2.2e10, 4.6e10, 1e11])
    assert thin.last() == curves.last()


@pytest.mark.parametrize("at_most", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("after", [0, 0.5, 1])
def test_thin_never_loses_the_last_row_nor_keeps_too_many(curves, after, at_most):
    thin = curves.thin(after=after, at_most=at_most)
    size = thin.table.groupby("run").size()
    assert size.max() <= at_most
    assert (thin.table["tokens"] >= after * 1e11).all()
    assert thin.last() == curves.last()


def test_thin_leaves_single_rows_alone(curves):
    assert curves.last().thin() == curves.last()


@pytest.mark.parametrize("arguments", [{"after": -0.1}, {"after": 1.1}, {"at_most": 0}])
def test_thin_refuses_odd_arguments(curves, arguments):
    with pytest.raises(RunsError, match="expected after from 0 to 1"):
        curves.thin(**arguments)


def test_drop_leaves_rows_out_by_position(curves):
    dropped = curves.drop([0, 2])
    assert len(dropped) == 298
    assert dropped.table["loss"].iloc[0] == curves.table["loss"].iloc[1]
    with pytest.raises(RunsError, match=r"no rows 300 to drop; expected 0 to 299"):
        curves.drop([300])


def test_choosing_keeps_the_source_and_a_fresh_index(curves):
    part = curves.where("params > 5e8")
    assert part.source == curves.source and part.notes == curves.notes
    assert part.table.index.tolist() == list(range(200))


def test_nothing_may_be_left(curves):
    none = curves.where("loss > 100")
    assert (len(none), none.n_runs, none.families) == (0, 0, [])
    assert none.last() == none.thin() == none
    assert "0 rows" in repr(none)


def test_replacing_the_table_checks_it_again(curves):
    half = curves.replace_table(curves.table[["family", "params", "tokens", "loss"]].head(10))
    assert len(half) == half.n_runs == 10
    with pytest.raises(RunsError, match="above 0"):
        curves.replace_table(curves.table.assign(loss=-1.0))
    with pytest.raises(RunsError, match="no column 'loss'"):
        curves.replace_table(curves.table.drop(columns="loss"))


def test_equal_tables_have_equal_digests(curves):
    again = load_runs(curves.table)
    assert again == curves and hash(again) == hash(curves) and len(curves.digest) == 64
    nudged = curves.table.assign(loss=curves.table["loss"] * (1 + 1e-15))
    assert load_runs(nudged) != curves
    assert curves != "runs"


def test_the_digest_is_the_same_on_every_machine():
    frame = pd.DataFrame({"family": ["a"], "params": 1e8, "tokens": 2e9, "loss": 0.1 + 0.2})
    text = (
        "family,lab,run,seed,params,tokens,flops,loss,loss_sd,final\n"
        "a,a,a/0001,0,100000000,2000000000,1.2e+18,0.30000000000000004,0,True\n"
    )
    import hashlib

    assert load_runs(frame).digest == hashlib.sha256(text.encode()).hexdigest()


def test_runs_are_frozen_and_keep_their_own_copy(curves):
    with pytest.raises(dataclasses.FrozenInstanceError):
        curves.source = "elsewhere"
    frame = curves.table.copy()
    runs = Runs(frame)
    frame.loc[0, "loss"] = 99.0
    assert runs == curves


def test_the_repr_fits_on_ten_lines(curves):
    lines = repr(load_runs(curves.table.rename(columns={"params": "N", "tokens": "D"})))
    assert lines.startswith("Runs: 300 rows, 3 runs, 2 families (DataFrame)")
    assert len(lines.splitlines()) <= 10


def test_a_raw_table_is_no_runs(curves):
    with pytest.raises(RunsError, match="build it with load_runs"):
        Runs(curves.table.drop(columns="flops"))
    with pytest.raises(RunsError, match=r"columns 'seed' have an unexpected type"):
        Runs(curves.table.assign(seed=0))
