"""No input breaks a reader: a short run at random, and everything that once did."""

import json

import pytest

from bayeslaw.errors import BayeslawError
from bayeslaw.runs import load_runs, load_trainer_state
from tests.fuzz import targets
from tests.fuzz.readers import random_run
from tests.fuzz.targets import READERS, Broken, Reader

EXECUTIONS = {"fit file": 3, "fit header": 8}


@pytest.mark.filterwarnings("ignore")  # of what hostile files make libraries say
@pytest.mark.parametrize("name", list(READERS))
def test_no_mutation_breaks_a_reader(name, tmp_path):
    count = EXECUTIONS.get(name, 25)
    assert random_run(READERS[name], count, seed=7, folder=tmp_path) == 0


@pytest.mark.parametrize("name", [n for n in READERS if n != "fit file"])
def test_the_seeds_are_accepted(name):
    # Otherwise mutation would start from what is refused anyway.
    assert all(READERS[name](data) for data in READERS[name].seeds())


def test_the_fuzzer_tells_of_what_breaks_a_reader(tmp_path):
    def careless(data: bytes) -> None:
        if b"\0" in data:
            raise KeyError("unhandled")

    broken = Reader(careless, lambda: (b"\0",))
    assert random_run(broken, 50, seed=1, folder=tmp_path) > 0
    assert any(b"\0" in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("loss", [[3.0], {"a": 1}, "x", True])
def test_a_logged_loss_of_another_type_is_refused(loss, tmp_path):
    # Lists cannot be hashed, and duplicates were looked for by hash.
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps({"log_history": [{"step": 1, "eval_loss": loss}] * 2}))
    with pytest.raises(BayeslawError, match="row 1"):
        load_trainer_state(path, params=1e8, family="a", tokens_per_step=1e5)


def test_line_ends_that_are_read_in_two_ways_are_refused(tmp_path):
    # Python's splitting of lines and that of pandas differ here, and the latter stopped.
    path = tmp_path / "runs.csv"
    path.write_bytes(b"\r\x1d" * 9 + b";")
    with pytest.raises(BayeslawError, match="line"):
        load_runs(path)


def test_what_is_accepted_is_judged():
    good = targets._good()
    for name, value in (("loss", 20.0), ("params", -1.0), ("family", "\x1b[31m")):
        table = good.table.assign(**{name: value})
        with pytest.raises(Broken):
            targets.require_sound(type(good)(table, "x"))
