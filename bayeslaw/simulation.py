"""Simulated ladders: a law, a truth and a layout of runs make a table with known answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import SpecError
from bayeslaw.laws import Law, get_law
from bayeslaw.runs import Runs, load_runs


def simulate(
    law: Law | str,
    truth: Mapping[str, Any],
    *,
    params: Any,
    tokens: Any,
    family: Any = "simulated",
    inputs: Mapping[str, Any] | None = None,
    seeds: int = 1,
    checkpoints: int = 1,
    run_sd: float = 0.003,
    checkpoint_sd: float = 0.001,
    tails: float | None = None,
    seed: int = 0,
) -> Runs:
    """Draw the losses of a ladder of runs from a law.

    Parameters
    ----------
    law : name or law.
    truth : parameters in published symbols, for raw inputs; each a number or an array that
        lines up with ``params``.
    params, tokens, family : one entry per setting; they broadcast.
    inputs : further inputs of the law, such as ``unique_tokens``, by name; they broadcast too.
    seeds : replicate runs per setting.
    checkpoints : rows per run, evenly spaced in log tokens over the last nine tenths.
    run_sd, checkpoint_sd : s.d. of log loss between runs and between checkpoints of a run.
    tails : degrees of freedom of the run effects; None for Gaussian.
    seed : seed of the random numbers.

    Returns
    -------
    Runs

    Raises
    ------
    SpecError
        If the truth does not name exactly the law's published parameters.
    LawError
        If the law needs an input that was not given.

    Examples
    --------
    >>> truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    >>> runs = simulate("chinchilla", truth, params=[1e8, 1e9], tokens=2e10, seeds=2)
    >>> len(runs), runs.n_runs
    (4, 4)
    """
    law = get_law(law)
    rng = np.random.default_rng(seed)
    more = dict(inputs or {})
    settings = np.broadcast_arrays(
        np.asarray(params, float), np.asarray(tokens, float), np.asarray(family, object),
        *[np.asarray(v, float) for v in (*truth.values(), *more.values())],
    )  # fmt: skip
    columns = [np.ravel(c) for c in settings]
    rows = []
    for i in range(len(columns[0])):
        n, d, group = columns[0][i], columns[1][i], columns[2][i]
        given = [float(c[i]) for c in columns[3:]]
        values = dict(zip(truth, given, strict=False))
        extra = dict(zip(more, given[len(values) :], strict=True))
        for replicate in range(seeds):
            scale = rng.standard_t(tails) if tails else rng.standard_normal()
            at = np.geomspace(0.1 * d, d, checkpoints) if checkpoints > 1 else np.array([d])
            raw = {names.PARAMS: n, names.TOKENS: at, names.FLOPS: 6.0 * n * at, **extra}
            curve = _evaluate(law, raw, values)
            off = run_sd * scale + checkpoint_sd * rng.standard_normal(len(at)) * (checkpoints > 1)
            for d_k, loss in zip(at, curve * np.exp(off), strict=True):
                rows.append(
                    {names.FAMILY: group, names.RUN: f"{group}/{i:03d}/{replicate}",
                     names.SEED: str(replicate), names.PARAMS: n, names.TOKENS: d_k,
                     names.LOSS: loss, **extra}
                )  # fmt: skip
    return load_runs(pd.DataFrame(rows))


def _evaluate(law: Law, inputs: Mapping[str, Any], published: Mapping[str, float]) -> np.ndarray:
    unit = dict.fromkeys(law.input_names, 1.0)
    law.read({n: np.atleast_1d(v) for n, v in inputs.items()})
    try:
        values = law.from_published(unit, **published)
        return law(inputs, values) * np.ones_like(inputs[names.TOKENS])
    except (TypeError, KeyError) as error:
        wanted = ", ".join(law.to_published(unit, **dict.fromkeys(law.parameter_names, 1.0)))
        raise SpecError(
            f"law '{law.name}' was given {', '.join(published)}; expected exactly {wanted}."
        ) from error
