"""Truths about simulated ladders: the shipped one is what its command makes, noise is as stated."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from bayeslaw.runs.datasets import load_dataset
from bayeslaw.simulation import simulate

DATA = Path(__file__).parents[1] / "data"
TRUTH = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}


def test_the_shipped_ladder_is_what_its_command_writes(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("simulate_ladder", DATA / "simulate.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "HERE", tmp_path)
    script.main()
    for name in ("simulated_ladder.csv", "simulated_ladder.json"):
        assert (tmp_path / name).read_text() == (DATA / name).read_text()


def test_the_shipped_ladder_scatters_around_its_stated_truth():
    runs = load_dataset("simulated")
    facts = json.loads((DATA / "simulated_ladder.json").read_text())
    for family, truth in facts["families"].items():
        rows = runs.where(f"family == '{family}'").last().table
        size, data = truth["A"] * rows["params"] ** -truth["alpha"], rows["tokens"]
        curve = truth["E"] + size + truth["B"] * data ** -truth["beta"]
        off = np.log(rows["loss"] / curve)
        assert 0.5 < off.std() / np.hypot(0.003, 0.001) < 1.6


@pytest.mark.parametrize("tails", [None, 5.0])
def test_checkpoints_of_a_run_share_its_effect_and_seeds_repeat(tails):
    made = [
        simulate("chinchilla", TRUTH, params=[1e8, 1e9], tokens=2e10, seeds=200, checkpoints=3,
                 run_sd=0.01, checkpoint_sd=0.001, tails=tails, seed=s).table
        for s in (7, 7, 8)
    ]  # fmt: skip
    assert made[0].equals(made[1]) and not made[0].equals(made[2])
    loss = np.log(made[0]["loss"].to_numpy().reshape(2, 200, 3))
    off = loss - loss.mean(axis=1, keepdims=True)
    assert np.corrcoef(off[0, :, 0], off[0, :, 2])[0, 1] > 0.95
