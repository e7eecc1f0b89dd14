"""Fit files: what was saved comes back whatever its labels are, and damage is never a number."""

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st

from bayeslaw.errors import FitError
from bayeslaw.inference.store import from_datatree, load_fit, to_datatree
from bayeslaw.runs import load_runs
from tests.properties.strategies import anything, labels
from tests.properties.test_specs_and_targets import _damaged
from tests.scoring.synthetic import ladder, synthetic_fit


@pytest.fixture(scope="module")
def fitted():
    return synthetic_fit(ladder(), draws=5)


@given(label=labels)
def test_a_fit_comes_back_whatever_its_family_is_called(fitted, label):
    table = fitted.runs.table.assign(family=label, lab=label)
    made = synthetic_fit(load_runs(table), draws=5)
    again = from_datatree(to_datatree(made), "fit.nc")
    assert again.families == (label,) and again.runs == made.runs and again.spec == made.spec
    xr.testing.assert_identical(again.posterior, made.posterior)


def test_a_fit_comes_back_from_disk(fitted, tmp_path):
    path = fitted.save(tmp_path / "fit.nc")
    again = load_fit(path)
    assert again.runs == fitted.runs and again.health == fitted.health
    np.testing.assert_array_equal(again.layout.anchors, fitted.layout.anchors)


@given(data=st.data())
def test_a_damaged_header_is_refused_or_sound(fitted, data):
    tree = to_datatree(fitted)
    facts = _damaged(json.loads(tree.attrs["bayeslaw"]), data)
    tree.attrs = {"bayeslaw": json.dumps(facts)}
    try:
        made = from_datatree(tree, "fit.nc")
    except FitError:
        return
    assert made.runs == fitted.runs
    assert np.isfinite(made.layout.anchors).all() and (made.layout.anchors > 0).all()
    repr(made), made.parameters()


@given(header=anything | st.text())
def test_another_header_is_refused(fitted, header):
    tree = to_datatree(fitted)
    tree.attrs = {"bayeslaw": header if isinstance(header, str) else json.dumps(header)}
    with pytest.raises(FitError):
        from_datatree(tree, "fit.nc")


def test_draws_that_are_no_numbers_are_refused(fitted):
    tree = to_datatree(fitted)
    posterior = tree["posterior"].to_dataset()
    broken = xr.DataTree.from_dict(
        {**{node.path: node.to_dataset() for node in tree.subtree},
         "/posterior": posterior.assign(alpha=posterior["alpha"] * np.nan)}
    )  # fmt: skip
    with pytest.raises(FitError, match="draws of alpha are not all finite"):
        from_datatree(broken, "fit.nc")


def test_a_fit_that_unpacks_to_too_much_is_refused(fitted, tmp_path, monkeypatch):
    path = fitted.save(tmp_path / "fit.nc")
    monkeypatch.setenv("BAYESLAW_MEMORY_GIB", "1e-6")
    with pytest.raises(FitError, match=r"unpacks to .* GiB of memory.*BAYESLAW_MEMORY_GIB=1"):
        load_fit(path)


def test_a_fit_of_another_table_is_refused(fitted):
    tree = to_datatree(fitted)
    facts = json.loads(tree.attrs["bayeslaw"])
    tree.attrs = {"bayeslaw": json.dumps(facts | {"digest": "0" * 64})}
    with pytest.raises(FitError, match="do not match their digest"):
        from_datatree(tree, "fit.nc")
