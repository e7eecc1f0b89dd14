"""Holdouts part runs so that nothing of what is hidden is left to be fitted."""

import pandas as pd
import pytest

from bayeslaw.errors import RunsError, SpecError
from bayeslaw.scoring import hide
from tests.scoring.synthetic import ladder


def test_the_largest_size_of_every_family_of_three_sizes_is_hidden():
    runs = ladder(("a", "b"), sizes=4)
    short = runs.where("family == 'b'").table.head(2)
    both = runs.replace_table(pd.concat([runs.where("family == 'a'").table, short]))
    training, hidden = hide(both)
    assert hidden.families == ["a"]
    assert hidden.table["params"].tolist() == [1e9]
    assert len(training) == 5


def test_sizes_that_differ_by_counting_are_one_size():
    runs = ladder(sizes=4)
    table = runs.table
    twin = table.tail(1).assign(params=1.001e9, run="twin")
    _, hidden = hide(runs.replace_table(pd.concat([table, twin])))
    assert len(hidden) == 2


def test_smallest_k_trains_on_k_sizes():
    training, hidden = hide(ladder(sizes=6), "smallest-k:3")
    assert (len(training), len(hidden)) == (3, 3)
    assert training.table["params"].max() < hidden.table["params"].min()


def test_a_condition_hides_whole_runs_so_no_checkpoint_leaks():
    runs = ladder(sizes=5, checkpoints=4)
    training, hidden = hide(runs, "flops > 5e19")
    assert not set(training.table["run"]) & set(hidden.table["run"])
    assert len(training) + len(hidden) == len(runs)
    assert training.table["flops"].max() <= 5e19


def test_the_tail_of_every_run_is_hidden_and_its_past_is_not():
    runs = ladder(("a", "b"), sizes=3, checkpoints=10)
    training, hidden = hide(runs, "tail:0.3")
    assert len(training) + len(hidden) == len(runs)
    last = runs.table.groupby("run")["tokens"].max()
    for part, inside in ((training, False), (hidden, True)):
        share = part.table["tokens"] / part.table["run"].map(last)
        assert set(part.table["run"]) == set(last.index)
        assert ((share >= 0.7) == inside).all()


def test_a_run_without_a_past_has_no_tail():
    runs = ladder(sizes=3, checkpoints=10)
    late = runs.table["tokens"] > 0.8 * runs.table.groupby("run")["tokens"].transform("max")
    whole = runs.table["params"] == runs.table["params"].max()
    cut = runs.drop(runs.table.index[whole & ~late])
    training, hidden = hide(cut, "tail:0.3")
    assert hidden.table["params"].max() < cut.table["params"].max()
    assert len(training) + len(hidden) == len(cut)
    with pytest.raises(RunsError, match="no run has rows both before and in the last 30%"):
        hide(ladder(), "tail:0.3")


def test_families_of_too_few_sizes_are_hidden_by_a_condition_but_not_scored():
    runs = ladder(("a", "b"), sizes=4)
    short = runs.where("family == 'b'").table.iloc[[0, 3]]
    both = runs.replace_table(pd.concat([runs.where("family == 'a'").table, short]))
    training, hidden = hide(both, "params > 5e8", least_sizes=3)
    assert hidden.families == ["a"]
    assert training.table["params"].max() < 5e8
    assert hide(both, "params > 5e8")[1].families == ["a", "b"]
    with pytest.raises(RunsError, match="hides has 5 sizes"):
        hide(both, "params > 5e8", least_sizes=5)


@pytest.mark.parametrize("holdout", ["largest", "smallest-k:1", "tail:0.5"])
def test_families_of_too_few_sizes_stay_whole_in_the_training_part(holdout):
    runs = ladder(("a", "b"), sizes=4, checkpoints=5)
    short = runs.where("family == 'b' and params < 1e8").table
    both = runs.replace_table(pd.concat([runs.where("family == 'a'").table, short]))
    training, hidden = hide(both, holdout, least_sizes=3)
    assert hidden.families == ["a"]
    assert (training.table["family"] == "b").sum() == len(short)


@pytest.mark.parametrize(
    ("holdout", "words"),
    [("larget", "expected 'largest', 'smallest-k:3', 'tail:0.3' or a condition"),
     ("smallest-k:x", "expected 'largest'"), ("tail:1.5", "expected 'largest'"),
     ("tail:.0", "hides nothing"), ("", "is empty")],
)  # fmt: skip
def test_a_holdout_that_cannot_be_read_says_which_can(holdout, words):
    with pytest.raises(RunsError, match=words):
        hide(ladder(), holdout)


def test_least_sizes_is_a_count():
    with pytest.raises(SpecError, match="least_sizes is 0; expected 1 or more"):
        hide(ladder(), least_sizes=0)
