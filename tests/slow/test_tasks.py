"""Truths about tasks on public tables, which take more than a minute."""

import numpy as np
import pytest

from bayeslaw.replication import AGREES, replicate
from tests.benchmarks import tasks_pythia


def test_lambada_of_larger_pythias_is_covered_from_small_ones(data_dir, monkeypatch):
    monkeypatch.setenv("BAYESLAW_DATA_DIR", str(data_dir))
    train, test = tasks_pythia.tables()
    assert train["params"].max() < 5e8 and set(test["params"]) == {1414647808, 2775208960}
    found, median, held = tasks_pythia.forecast(train, test)
    assert held.mean() >= 0.8
    assert np.abs(median - test["share"]).mean() < 0.05
    assert found.curve.tail_shape < 0.9


@pytest.mark.parametrize("name", ["hu2023", "schaeffer2023", "du2024"])
def test_simulated_systems_agree(name):
    found = replicate(name)
    assert found.verdict == AGREES, found.reason


def test_components_of_ruan_explain_what_is_printed_and_tasks_are_foretold(data_dir, monkeypatch):
    monkeypatch.setenv("BAYESLAW_DATA_DIR", str(data_dir))
    claims = {c.what: c for c in replicate("ruan2024").claims}
    assert all(c.agrees for what, c in claims.items() if what.startswith("share of variance"))
    assert claims["squared error on larger models, mean over seven emergent tasks"].agrees
    assert claims["of those, share inside 90 % intervals"].agrees
