"""A table's weaknesses are found, and a sound table is left in peace."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import RunsError
from bayeslaw.runs import check_runs, load_runs, require_fittable


def grid(family="a", level=1.0, params=(1e8, 2e8, 4e8, 8e8), ratios=(10, 20, 40)):
    frame = pd.DataFrame(
        [{"family": family, "params": n, "tokens": n * r} for n in params for r in ratios]
    )
    loss = 1.8 + 400 * frame["params"] ** -0.34 + 400 * frame["tokens"] ** -0.28
    return frame.assign(loss=level * loss)


def curve(**columns):
    tokens = np.array([1e9, 2e9, 4e9, 8e9])
    frame = {"family": "a", "run": "r", "params": 1e8, "tokens": tokens, "loss": [4, 3.5, 3.3, 3.2]}
    return pd.DataFrame(frame | columns)


def found(frame, severity="warning"):
    return {f.code: f for f in check_runs(load_runs(frame)) if f.severity == severity}


def test_a_sound_table_has_no_warnings():
    frame = pd.concat([grid(), grid("b", 1.05)])
    assert found(frame) == found(frame, "error") == {}
    require_fittable(load_runs(frame))


def test_what_was_read_is_told():
    notes = found(grid().rename(columns={"loss": "val_loss"}), "note")
    assert "read 12 rows: 12 runs, 0 earlier checkpoints, 1 families" in notes["read"].message
    assert "loss 2.63 to 3.77 nats" in notes["units"].message
    assert "'val_loss' read as loss" in notes["loading"].message


def test_replicates_are_found_or_missed():
    assert "repeat a small run" in found(grid(), "note")["no-replicates"].message
    twice = pd.concat([grid().assign(seed=0), grid().assign(seed=1).head(3)])
    assert "3 points are replicated (6 runs)" in found(twice, "note")["replicates"].message


def test_an_outlier_is_named_by_row():
    frame = grid()
    frame.loc[4, "loss"] *= 1.5
    finding = found(frame)["outlier"]
    assert finding.rows == (5,)
    assert "(row 5, +49%)" in finding.message


def test_an_outlier_row_is_counted_in_the_whole_table():
    frame = grid().assign(run=lambda f: f.index.astype(str))
    early = frame.assign(tokens=frame["tokens"] / 4, loss=frame["loss"] * 1.1)
    frame.loc[4, "loss"] *= 1.5
    both = pd.concat([early, frame], ignore_index=True)
    assert found(both)["outlier"].rows == (len(early) + 5,)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (grid(ratios=(20,)), "collinear"),
        (grid(params=(1e8, 4e8)), "few-sizes"),
        (grid(params=(1e8,)), "single-size"),
        (grid().assign(tokens=1e10).drop_duplicates(["params"]), "equal-tokens"),
        (grid().head(5), "few-rows"),
        (pd.concat([grid(), grid("b", 2.0)]), "level-spread"),
        (pd.concat([grid("GPT-3"), grid("gpt3")]), "similar-families"),
        (grid().assign(eval_set=["c4", "pile", "c4"] * 4), "mixed-evaluation"),
        (grid().assign(flops=1e25), "flops-per-6nd"),
        (grid().assign(tokens=lambda f: f["tokens"] / 1e9), "tokens-per-parameter"),
        (grid().assign(loss_sd=1.0), "large-loss-sd"),
        (curve(loss=[4, 3.5, 3.3, 4.8]), "spike"),
    ],
)
def test_a_weakness_is_found(frame, code):
    finding = found(frame)[code]
    assert ";" in finding.message, "every finding ends with a remedy"
    assert str(finding) == f"warning: {finding.message} [{code}]"


def test_a_spike_names_its_run_and_row():
    finding = found(curve(loss=[4, 3.5, 4.9, 3.2]))["spike"]
    assert finding.rows == (3,) and "run 'r'" in finding.message
    assert "spike" not in found(curve())


def test_errors_come_first():
    severities = [finding.severity for finding in check_runs(load_runs(grid().head(1)))]
    order = {"error": 0, "warning": 1, "note": 2}
    assert severities == sorted(severities, key=lambda severity: order[severity])
    assert severities[0] == "error"


def test_an_empty_choice_cannot_be_fitted():
    runs = load_runs(grid()).where("loss > 100")
    with pytest.raises(RunsError, match="no rows are left; loosen"):
        require_fittable(runs)
    assert check_runs(runs)[0].code == "no-rows"


def test_one_family_with_two_sizes_is_enough():
    single = pd.concat([grid("a", params=(1e8,), ratios=(20,)), grid("b").head(2)])
    require_fittable(load_runs(single))
    with pytest.raises(RunsError, match="single size"):
        require_fittable(load_runs(single.drop_duplicates("family")))


def test_findings_escape_family_names():
    frame = grid("caf\u00e9", ratios=(20,))
    assert all(finding.message.isascii() for finding in check_runs(load_runs(frame)))
