"""Work in a pool: nothing is lost with a worker, and nothing that was kept is done again."""

import os
import sys

import pytest
from typer.testing import CliRunner

from bayeslaw import kept
from bayeslaw.cli import app
from bayeslaw.errors import PoolError, SpecError
from bayeslaw.pool import Pool, call
from tests.faults.cluster import families
from tests.faults.tasks import dies, marked


def test_a_worker_that_dies_costs_nothing_but_time(tmp_path):
    calls = [call(dies, str(tmp_path), i, 1) for i in range(6)]
    assert Pool(2).made(calls) == list(range(6))
    assert (tmp_path / "died").read_text() == "x"


def test_a_task_that_kills_every_worker_is_given_up(tmp_path):
    with pytest.raises(PoolError, match=r"died 3 times in a row.*fewer jobs"):
        Pool(2).made([call(dies, str(tmp_path), i, 9) for i in (3, 3)])


def test_what_was_kept_is_not_made_again_unless_it_is_damaged(tmp_path):
    done, folder = tmp_path / "done", tmp_path / "kept"
    done.mkdir()
    calls = [call(marked, str(done), i) for i in range(5)]
    assert Pool(folder=folder).made(calls[:3]) == [0, 2, 4]
    assert Pool(folder=folder).made(calls) == [0, 2, 4, 6, 8]
    assert len(os.listdir(done)) == 5
    path = kept.place(folder, [calls[1]])
    whole = path.read_bytes()
    for damaged in (b"", whole[:-30], whole.replace(b"tree", b"eert")):
        path.write_bytes(damaged)
        assert Pool(folder=folder).made(calls) == [0, 2, 4, 6, 8]
        assert path.read_bytes() == whole
    assert len(os.listdir(done)) == 8


def test_an_interrupt_keeps_what_was_done(tmp_path):
    folder = tmp_path / "kept"

    def stops(number):
        if number == 2:
            raise KeyboardInterrupt
        return number

    with pytest.raises(KeyboardInterrupt):
        Pool(folder=folder).made([call(stops, i) for i in range(4)])
    assert len(os.listdir(folder)) == 2


def test_results_are_told_apart_by_all_that_made_them():
    runs, others = families(1), families(1, seed=2)
    made_by = [(marked, 1), (marked, 1.0), (marked, "1"), (dies, 1), (marked, True), (marked, [1]),
               (marked, runs), (marked, others), (marked, None)]  # fmt: skip
    assert len({kept.digest(*m) for m in made_by}) == len(made_by)
    assert kept.digest(marked, runs) == kept.digest(marked, families(1))
    with pytest.raises(SpecError, match="no digest"):
        kept.digest(object())


def test_a_cluster_without_dask_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PoolError, match=r"install bayeslaw\[dask\]"):
        Pool(cluster="tcp://localhost:1").made([call(abs, 1)])


def test_a_cluster_that_does_not_answer_ends_a_command_with_2(monkeypatch, tmp_path):
    monkeypatch.setattr("bayeslaw.pool._SECONDS_TO_ANSWER", 1)
    path = tmp_path / "runs.csv"
    families(2).table.to_csv(path, index=False)
    done = CliRunner().invoke(app, ["fit", str(path), "--quiet", "--engine", "quadrature",
                                    "--cluster", "tcp://127.0.0.1:9"])  # fmt: skip
    assert done.exit_code == 2 and "no Dask scheduler answers" in done.stderr
