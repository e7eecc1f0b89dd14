"""A running job: its own effect is known the better the more of it was seen."""

import json

import numpy as np
import pytest

from bayeslaw.design import read_run
from bayeslaw.design.noise import own_effect
from bayeslaw.design.reading import _advice as advice
from bayeslaw.errors import TargetError
from bayeslaw.model.spec import Checkpoints, Noise, Spec
from bayeslaw.prediction import Target, forecast
from tests.scoring.synthetic import ladder, synthetic_fit


def fitted(tails=None, checkpoints=6):
    spec = Spec(noise=Noise(tails=tails), checkpoints=Checkpoints(after=0.05, at_most=6))
    made = synthetic_fit(ladder(checkpoints=checkpoints), spec, chains=2, run_sd=0.01,
                         discrepancy_sd=1e-4, width=1e-4)  # fmt: skip
    if checkpoints > 1:
        sd = made.posterior["run_sd"]
        made = made.__class__(**{**vars(made), "posterior": made.posterior.assign(
            checkpoint_sd=sd * 0 + 0.001)})  # fmt: skip
    return made


@pytest.fixture(scope="module")
def fit():
    return fitted()


@pytest.fixture(scope="module")
def job(fit):
    return fit.runs.table.iloc[-1]


def test_the_effect_is_the_conditional_gaussian(fit, job):
    layout = fit.layout
    point = Target(job["params"], 2 * job["tokens"], "ours", kind="mean")
    found = own_effect(fit, job["run"], [point])
    rows = np.flatnonzero(layout.run_of_row == layout.runs.index(job["run"]))
    draw = {n: fit.posterior[n].values.ravel()[0] for n in (*fit.law.parameter_names, "run_sd",
                                                            "discrepancy_sd")}  # fmt: skip
    curve = fit.law({n: v[rows] for n, v in layout.inputs(fit.law).items()}, draw)
    wander = fit.posterior["wander"].values.reshape(-1, layout.phi.shape[1])[0]
    scale = draw["discrepancy_sd"]
    off = layout.log_loss[rows] - np.log(curve) - scale * (layout.phi[rows] @ wander)
    at = np.append(np.log(fit.runs.table.query("run == @job.run")["tokens"]), np.log(point.tokens))
    near = np.exp(-np.abs(at[:, None] - at) / fit.spec.noise.length)
    common = np.sqrt(draw["run_sd"] ** 2 + scale**2 * layout.remainder[rows])
    loading = np.append(common, draw["run_sd"])
    whole = np.outer(loading, loading) + 1e-6 * near
    seen, cross = whole[:-1, :-1], whole[-1, :-1]
    assert found.mean[0, 0] == pytest.approx(cross @ np.linalg.solve(seen, off), rel=1e-3)
    left = whole[-1, -1] - cross @ np.linalg.solve(seen, cross)
    assert found.scale[0, 0, 0] == pytest.approx(left, rel=1e-3)


def test_what_was_seen_narrows_its_end(fit, job):
    reading = read_run(fit, job["run"], 2 * job["tokens"])
    assert reading.effect_sd < 0.3 * reading.new_run_sd
    assert reading.remaining == pytest.approx(6 * job["params"] * job["tokens"])
    assert np.std(np.log(reading.loss)) == pytest.approx(reading.effect_sd, rel=0.2)


def test_heavy_tails_widen_an_outlier(job):
    reading = read_run(fitted(tails=4.0), job["run"], 2 * job["tokens"])
    assert 0 < reading.effect_sd < reading.new_run_sd


def test_a_goal_out_of_reach_stops_the_job(fit, job):
    found = read_run(fit, job["run"], 2 * job["tokens"], goal=0.5 * job["loss"])
    assert found.stop and found.chance == 0.0 and "Stop" in found.text
    easy = read_run(fit, job["run"], 2 * job["tokens"], goal=2 * job["loss"])
    assert not easy.stop and easy.chance == 1.0


def test_a_target_weighs_finishing_against_a_new_run(fit, job):
    target = Target(7e9, 1.4e11)
    found = read_run(fit, job["run"], 4 * job["tokens"], target=target)
    assert found.finish_sd <= found.now_sd and found.other_sd <= found.now_sd
    assert found.stop == (found.other_sd < 0.975 * found.finish_sd)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["sd"]["finished"] > 0
    with pytest.warns(UserWarning):
        made = forecast(fit, Target(7e9, 1.4e11, "ours"), seed=0)
    assert told["target_loss"]["median"] == pytest.approx(float(made.draws.median()))
    assert f"{told['target_loss']['median']:.4f}" in found.text


def test_a_goal_of_its_own_is_not_given_up_for_the_target():
    a_new_run_tells_more = (0.03, 0.03, 0.01)
    assert advice(None, None, a_new_run_tells_more)[0]
    assert not advice(0.5, 2.0, a_new_run_tells_more)[0]
    assert advice(0.01, 2.0, (None, None, None))[0]


def test_one_row_per_run_still_reads(job):
    single = fitted(checkpoints=1)
    run = single.runs.table.iloc[-1]
    found = read_run(single, run["run"], 2 * run["tokens"])
    assert 0 < found.effect_sd < found.new_run_sd
    assert any("one checkpoint" in note for note in found.notes)


def test_a_job_that_is_not_there_or_has_ended_is_refused(fit, job):
    with pytest.raises(TargetError, match="no rows"):
        read_run(fit, "nobody", 1e12)
    with pytest.raises(TargetError, match="has seen"):
        read_run(fit, job["run"], job["tokens"])
