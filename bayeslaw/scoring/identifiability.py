"""How much of each parameter the runs have told, and which rest on their priors."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from bayeslaw.inference import Fit
from bayeslaw.laws.law import prior_location

#: Below this contraction the runs tell less of a parameter than its prior does.
LEAST_CONTRACTION = 0.5
#: Below this one, and moved by less than this many prior s.d., it equals its prior.
_SAME, _MOVED = 0.1, 0.25
# Second moment of the spread between families over the typical one: log-normal, 0.5 wide.
_APART = float(np.exp(0.5))
POPULATION = "(population)"
FLOOR = "E"


def identifiability(fit: Fit) -> pd.DataFrame:
    """Compare the posterior of each parameter with its prior, on the prior's logarithmic scale.

    Contraction is 1 - variance of the posterior / variance of the prior: near 1 the data speak,
    near 0 the prior does. A family's prior is the population's with the spread between families.

    Parameters
    ----------
    fit : the posterior.

    Returns
    -------
    pandas.DataFrame
        One row per family and quantity, then the population: family, parameter, prior_sd,
        posterior_sd (both of the logarithm), contraction, shift (in prior s.d.) and verdict:
        ``"data"``, ``"prior"`` (contraction below a half) or ``"equals prior"``.

    Examples
    --------
    >>> import bayeslaw as bl
    >>> truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    >>> runs = bl.simulate("chinchilla", truth, params=[1e8, 2e8, 4e8, 8e8], tokens=2e10)
    >>> found = bl.identifiability(bl.fit(runs, engine="quadrature", draws=200))
    >>> found.set_index("parameter").loc["beta", "verdict"]
    'equals prior'
    """
    post, layout, spec = fit.posterior, fit.layout, fit.spec
    rows = []
    families = len(layout.families)
    for i, p in enumerate(fit.law.parameters):
        prior, pooling = layout.priors[p.name], spec.pooling(p.name)
        apart = 0.0
        if pooling == "partial":
            levels = 1.0 if families == 1 else _APART * (1.0 + 4.0 * ("across" in post))
            apart = prior.between**2 * levels
        sd = np.sqrt(prior.spread**2 + apart)
        own = np.log(post[p.name].values / prior.scale).reshape(-1, families)
        rows += [
            _row(f, p.name, own[:, j], prior.location, sd) for j, f in enumerate(layout.families)
        ]
        if families > 1 and pooling != "none":
            middle = post["log_population"].values[..., i].ravel()
            rows.append(_row(POPULATION, p.name, middle, prior.location, prior.spread))
    levels = {"run_sd": spec.noise.run, "checkpoint_sd": spec.noise.checkpoint}
    if spec.process is not None:
        levels["discrepancy_sd"] = spec.process.scale
    for name, interval in levels.items():
        if name in post:
            location, sd = prior_location(*interval)
            if families > 1 and name != "discrepancy_sd":
                sd = float(np.hypot(sd, spec.noise.between))
            own = np.log(post[name].values).reshape(-1, families)
            rows += [_row(f, name, own[:, j], location, sd) for j, f in enumerate(layout.families)]
    order = {f: j for j, f in enumerate([*layout.families, POPULATION])}
    table = pd.DataFrame(rows)
    return table.sort_values("family", key=lambda f: f.map(order), kind="stable", ignore_index=True)


def prior_driven(fit: Fit, families: Collection[str] | None = None) -> list[str]:
    """Return one warning per family whose floor or exponents rest on the prior.

    Parameters
    ----------
    fit : the posterior.
    families : those to speak of; all, and the population, unless given.

    Returns
    -------
    list of str
    """
    found = identifiability(fit)
    floor = [name for name in fit.law.parameter_names if name == FLOOR]
    judged = [*floor, *fit.law.nonlinear]
    if families is not None:
        found = found[found["family"].isin(families)]
    weak = found[found["parameter"].isin(judged) & (found["verdict"] != "data")]
    out = []
    for family, rows in weak.groupby("family", sort=False):
        words = ", ".join(f"{r['parameter']} ({_words(r)})" for r in rows.to_dict("records"))
        where = "the population's" if family == POPULATION else f"family '{family}':"
        out.append(f"{where} {words} rest on the prior more than on the runs")
    return out


def _words(row: dict) -> str:
    if row["verdict"] == "equals prior":
        return "equals its prior"
    return f"contraction {max(row['contraction'], 0.0):.2f}"


def _row(family: str, name: str, log_draws: np.ndarray, location: float, sd: float) -> dict:
    own = float(log_draws.std(ddof=1))
    contraction = 1.0 - (own / sd) ** 2
    shift = float(log_draws.mean() - location) / sd
    verdict = "data" if contraction >= LEAST_CONTRACTION else "prior"
    if contraction < _SAME and abs(shift) < _MOVED:
        verdict = "equals prior"
    return {
        "family": family,
        "parameter": name,
        "prior_sd": float(sd),
        "posterior_sd": own,
        "contraction": float(contraction),
        "shift": shift,
        "verdict": verdict,
    }
