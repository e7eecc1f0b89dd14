"""Draws as a posterior, in the same names and dims whatever the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayeslaw import names
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

_DIMS = {
    "wander": (names.FAMILY, "component"),
    "loss": (names.RUN,),
    "population": ("parameter",),
    "log_population": ("parameter",),
    "between": ("parameter",),
    "across": ("parameter",),
    "log_lab": (names.LAB, "parameter"),
    "log_typical_run_sd": (),
    "log_typical_checkpoint_sd": (),
}


def tidy(spec: Spec, layout: Layout, values: Mapping[str, np.ndarray], chains: int) -> xr.Dataset:
    """Return draws, laid one chain after the other, as a dataset with named dims."""
    law: Law = spec.law  # type: ignore[assignment]
    coords: dict[str, Any] = {
        "parameter": list(law.parameter_names),
        names.FAMILY: list(layout.families),
        names.RUN: list(layout.runs),
        names.LAB: list(layout.labs),
        "component": [str(i) for i in range(layout.phi.shape[1])],
    }
    variables = {}
    for n, v in values.items():
        dims = _DIMS.get(n, (names.FAMILY,))
        variables[n] = (("chain", "draw", *dims), v.reshape(chains, -1, *v.shape[1:]))
    used = {d for dims, _ in variables.values() for d in dims}
    total = len(next(iter(values.values())))
    steps = {"chain": range(chains), "draw": range(total // chains)}
    return xr.Dataset(variables, {k: v for k, v in (steps | coords).items() if k in used})
