"""The benchmark of tasks runs at toy size, and what its simulations say is so."""

import json

import numpy as np
import pytest

from tests.benchmarks import tasks
from tests.benchmarks.tasks_simulated import (
    coverage_of_rates,
    pass_counts,
    pass_rate,
    skill_frame,
    task_frame,
    token_curve,
)


def test_an_item_runs_and_is_written(tmp_path, capsys):
    path = tmp_path / "found.json"
    tasks.main(["--only", "4", "--quick", "--json", str(path)])
    assert "targets met" in capsys.readouterr().out
    (section,) = json.loads(path.read_text())["sections"]
    assert section["number"] == 4 and all(r["met"] in (True, False, None) for r in section["rows"])
    assert sum(r["met"] is not None for r in section["rows"]) == 4


@pytest.mark.parametrize("text", ["x", "6", "1,9"])
def test_an_unknown_item_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        tasks.main(["--only", text])
    assert "--only" in capsys.readouterr().err


def test_without_its_data_an_item_is_missed_and_says_why(monkeypatch, capsys):
    monkeypatch.delenv("BAYESLAW_DATA_DIR", raising=False)
    tasks.main(["--only", "5", "--quick"])
    assert "0 of 1 targets met" in capsys.readouterr().out


def test_simulated_counts_stop_at_passes_or_the_cap(rng):
    counts = pass_counts(rng, instances=20, wanted=3, cap=500)
    capped = counts.samples == 500
    assert (counts.passes[~capped] == 3).all() and (counts.passes[capped] <= 3).all()
    assert capped.any() and (counts.samples <= 500).all()
    assert pass_rate(1e9) < pass_rate(3e9) < pass_rate(3e9, departure=-0.1)


def test_exact_coverage_is_that_of_simulated_counts(rng):
    from bayeslaw.tasks.passes import rate_interval

    samples = 3 + rng.negative_binomial(3, 0.05, 400)
    ends = np.array([rate_interval(3, k) for k in samples])
    held = np.mean((ends[:, 0] <= 0.05) & (ends[:, 1] >= 0.05))
    assert held == pytest.approx(coverage_of_rates(3, 0.05), abs=0.05)


def test_simulated_tables_are_what_they_claim(rng):
    frame, truth = skill_frame(rng)
    assert np.abs(frame[list(truth)] - truth).to_numpy().max() < 0.06
    assert (token_curve(rng, broken=True).share < 1).all()
    runs, large = task_frame(rng)
    assert runs["loss"].min() > large["loss"] and runs["share"].max() < large["share"]
