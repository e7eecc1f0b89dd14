"""A fit made of invented draws around a known truth: what a posterior looks like, at no cost."""

import numpy as np
import xarray as xr

from bayeslaw.inference import Fit, Health
from bayeslaw.model.layout import lay_out
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs
from bayeslaw.simulation import simulate

TRUTH = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}


def ladder(families=("ours",), sizes=6, run_sd=0.003, checkpoints=1):
    params = np.geomspace(1e7, 1e9, sizes)
    return simulate(
        "chinchilla",
        TRUTH,
        params=np.tile(params, len(families)),
        tokens=np.tile(20 * params, len(families)),
        family=np.repeat(np.array(families, object), sizes),
        run_sd=run_sd,
        checkpoints=checkpoints,
        seed=3,
    )


def synthetic_fit(
    runs: Runs,
    spec: Spec | None = None,
    *,
    law=None,
    seed=0,
    chains=2,
    draws=1000,
    run_sd=0.003,
    discrepancy_sd=0.02,
    width=0.03,
    health=None,
    **ignored,
) -> Fit:
    spec = spec or Spec(law or "chinchilla")
    layout = lay_out(spec, runs)
    rng = np.random.default_rng(seed)
    shape, families = (chains, draws), len(layout.families)
    truth = spec.law.from_published(layout.references, **TRUTH)
    dims = ("chain", "draw", "family")

    def around(value, spread=width):
        return value * np.exp(spread * rng.standard_normal((*shape, families)))

    names = spec.law.parameter_names
    logs = np.log([truth[n] for n in names]) + width * rng.standard_normal((*shape, len(names)))
    data = {n: (dims, around(truth[n])) for n in names}
    rank = max((f.rank for f in layout.features), default=0)
    data |= {
        "run_sd": (dims, around(run_sd)),
        "discrepancy_sd": (dims, around(discrepancy_sd)),
        "wander": ((*dims, "component"), rng.standard_normal((*shape, families, rank))),
        "population": (("chain", "draw", "parameter"), np.exp(logs)),
        "log_population": (("chain", "draw", "parameter"), logs),
        "between": (("chain", "draw", "parameter"), np.full(logs.shape, 0.1)),
        "log_typical_run_sd": (("chain", "draw"), np.full(shape, np.log(run_sd))),
    }
    coords = {"chain": range(chains), "draw": range(draws), "family": list(layout.families)}
    posterior = xr.Dataset(data, coords | {"parameter": list(names)})
    return Fit(
        spec=spec,
        runs=runs,
        posterior=posterior,
        sample_stats=xr.Dataset(),
        log_likelihood=xr.Dataset(),
        health=health or Health(figures=(("R-hat", 1.003), ("bulk ESS", 812.0))),
        seed=seed,
        engine="pymc",
        reason="NUTS on the PyMC graph serves every law, noise and prior",
        seconds={"compile": 1.0, "sample": 2.0, "total": 3.0},
        versions={"bayeslaw": "0.1.0", "pymc": "6.0"},
    )
