"""Parameters: exponents by family with their population, and posteriors against priors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import gaussian_kde

from bayeslaw.inference import Fit
from bayeslaw.inference.prior import draw_prior
from bayeslaw.laws import Law
from bayeslaw.laws.law import Parameter
from bayeslaw.plots.canvas import MATPLOTLIB, Canvas, Panel
from bayeslaw.plots.figures import INK, MUTED, NARROW, PALETTE, SHADE, WIDE

_POPULATION = "population"
_NOISES = {
    "run_sd": "s.d. between runs",
    "checkpoint_sd": "s.d. of checkpoints around their run",
    "discrepancy_sd": "s.d. of the discrepancy",
}
_DRAWS, _POINTS, _ENDS = 2000, 120, (0.002, 0.998)
_COLUMNS = 3


def exponents(fit: Fit, names: Sequence[str] | None = None, *, backend: str = MATPLOTLIB) -> Any:
    """Draw the exponents of every family as a forest, above that of their population.

    Parameters
    ----------
    fit : the posterior.
    names : parameters of the law; those without a unit unless given.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend: a panel per parameter with medians, 50 % (thick) and 90 % (thin)
        intervals. The lowest row is the median of the population; the shade is where a new
        family lies with probability .9. Parameters in nats have no population in those units.

    Raises
    ------
    LawError
        If the law has no such parameter.
    BayeslawError
        If the backend is not known or its library not installed.
    """
    law = fit.law
    shown = [p for p in law.parameters if not p.in_loss_units] or list(law.parameters)
    if names is not None:
        shown = [law.parameter(name) for name in names]
    families, post = fit.families, fit.posterior
    # Families run downwards in the order of the fit, and the population stands below them.
    places = np.arange(len(families), 0, -1)
    canvas = Canvas(
        backend, len(shown), len(shown), share="y",
        width=1.6 + 2.9 * len(shown), height=1.4 + 0.26 * (len(families) + 1),
    )  # fmt: skip
    for panel, p in zip(canvas.panels, shown, strict=True):
        if not p.in_loss_units:
            new = _quantiles(_new_family(fit, p))
            panel.band(new[[0, -1]], [-0.6] * 2, [len(families) + 0.6] * 2, SHADE, alpha=0.4)
            own = post[_POPULATION].sel(parameter=p.name).values
            _row(panel, 0, own, INK, "D")
        for place, family in zip(places.tolist(), families, strict=True):
            _row(panel, place, post[p.name].sel(family=family).values, *PALETTE[0])
        unit = f"({p.unit})" if p.unit else "(no unit)"
        panel.axes(f"{p.name}: {p.meaning} {unit}", None, ylim=(-0.6, len(families) + 0.6))
        if panel is canvas.panels[0]:
            panel.rows([_POPULATION, *reversed(families)])
            panel.axes(None, "family")
            panel.title("thick 50 %, thin 90 %; shade: a new family (90 %)")
    return canvas.finished()


def prior_posterior(fit: Fit, family: str | None = None, *, backend: str = MATPLOTLIB) -> Any:
    """Draw the posterior of each of a family's parameters against its prior.

    Parameters
    ----------
    fit : the posterior.
    family : the family; the first one of the fit unless named.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend: densities of the logarithm, each relative to its peak; amplitudes at the
        reference point, in nats per token. Where the two agree, the runs said nothing.

    Raises
    ------
    SpecError
        If the family has no rows.
    BayeslawError
        If the backend is not known or its library not installed.
    """
    family = fit.families[0] if family is None else family
    fit.published(family)  # refuses a family without rows
    prior = draw_prior(fit.spec, fit.layout, draws=_DRAWS, seed=fit.seed).sel(family=family)
    post = fit.posterior.sel(family=family)
    law: Law = fit.law
    axes = {p.name: (p.meaning, f"{p.name} ({p.unit or 'no unit'})") for p in law.parameters}
    axes |= {
        n: (words, f"{n} (share of the loss)")
        for n, words in _NOISES.items()
        if n in post and n in prior
    }
    rows = -(-len(axes) // _COLUMNS)
    canvas = Canvas(backend, len(axes), _COLUMNS, width=9.6, height=0.6 + 2.3 * rows)
    for i, (panel, (name, (title, words))) in enumerate(
        zip(canvas.panels, axes.items(), strict=True)
    ):
        before, after = (np.log(v[name].values.ravel()) for v in (prior, post))
        # Enough points for the prior's width, and again for the posterior's.
        spans = (np.quantile(v, _ENDS) for v in (np.concatenate([before, after]), after))
        grid = np.sort(np.concatenate([np.linspace(ends[0], ends[1], _POINTS) for ends in spans]))
        for draws, colour, dash, said in (
            (before, MUTED, "--", "prior"), (after, PALETTE[0][0], "-", "posterior"),
        ):  # fmt: skip
            density = _density(draws, grid)
            panel.band(np.exp(grid), np.zeros_like(grid), density, colour, alpha=0.2)
            panel.line(np.exp(grid), density, colour, dash=dash, name=said if i == 0 else None)
        panel.title(title)
        panel.axes(words, "density (share of its peak)" if i % _COLUMNS == 0 else None, xlog=True)
    canvas.legend("outside")
    return canvas.finished()


def _density(draws: np.ndarray, grid: np.ndarray) -> np.ndarray:
    # A parameter that is shared and fixed, or was never drawn, has no density to speak of.
    if np.ptp(draws) <= 0:
        return np.zeros_like(grid)
    step = max(1, len(draws) // _DRAWS)
    density = gaussian_kde(draws[::step])(grid)
    return density / density.max()


def _new_family(fit: Fit, parameter: Parameter) -> np.ndarray:
    """Draw a parameter of a family without rows, of a new lab where labs differ."""
    post = fit.posterior.sel(parameter=parameter.name)
    spread = post["between"] ** 2
    if "across" in post:
        spread = spread + post["across"] ** 2
    if fit.spec.pooling(parameter.name) == "shared":
        spread = 0.0 * spread
    middle = post["log_population"]
    unit = np.random.default_rng([fit.seed, 6]).standard_normal(middle.shape)
    return np.exp(middle.values + np.sqrt(spread.values) * unit)


def _quantiles(draws: np.ndarray) -> np.ndarray:
    tails = [0.5 - WIDE / 2, 0.5 - NARROW / 2, 0.5, 0.5 + NARROW / 2, 0.5 + WIDE / 2]
    return np.quantile(draws, tails)


def _row(panel: Panel, place: float, draws: np.ndarray, colour: str, marker: str) -> None:
    low, left, middle, right, high = _quantiles(draws)
    panel.line([low, high], [place, place], colour, width=1.4)
    panel.line([left, right], [place, place], colour, width=4.0)
    panel.points([middle], [place], colour, marker, size=34, hollow=True)
