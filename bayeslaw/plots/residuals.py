"""Residuals: where the law misses the training rows, and whether it does so with a pattern."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayeslaw import names
from bayeslaw.inference import Fit
from bayeslaw.plots.canvas import MATPLOTLIB, Canvas
from bayeslaw.plots.curves import SMALL
from bayeslaw.plots.figures import MUTED, OTHERS, SHADE, WIDE, styles
from bayeslaw.plots.frontier import PARAMS, TOKENS
from bayeslaw.scoring.sbc import in_order

_DRAWS = 400
_PER_CENT = 100.0


def residuals(fit: Fit, *, backend: str = MATPLOTLIB) -> Any:
    """Draw how far the losses lie from the law, against size, data, their ratio and progress.

    Parameters
    ----------
    fit : the posterior; the rows it was fitted to are drawn.
    backend : ``"matplotlib"``, ``"plotly"``, or ``"none"`` for a dict of what would be drawn.

    Returns
    -------
    figure
        Of the backend: four panels. The law is its median without the discrepancy, whose pattern
        is what to look for; the shade is where the model expects nine residuals in ten.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """
    table = in_order(fit.spec, fit.runs).table
    off = _PER_CENT * _off(fit)
    ratio = table[names.TOKENS] / table[names.PARAMS]
    longest = fit.runs.table.groupby([names.FAMILY, names.RUN])[names.TOKENS].max()
    whole = longest.reindex(list(zip(table[names.FAMILY], table[names.RUN], strict=True)))
    done = _PER_CENT * table[names.TOKENS].to_numpy() / whole.to_numpy()
    columns = {
        PARAMS: (table[names.PARAMS].to_numpy(), True),
        TOKENS: (table[names.TOKENS].to_numpy(), True),
        "tokens per parameter D/N": (ratio.to_numpy(), True),
        "checkpoint (% of the run's tokens)": (done, False),
    }
    canvas = Canvas(backend, 4, 2, width=8.4, height=6.0, share="y")
    expected = _PER_CENT * _expected(fit)
    families = table[names.FAMILY].to_numpy()
    looks = styles(families)
    for i, (panel, (words, (x, log))) in enumerate(
        zip(canvas.panels, columns.items(), strict=True)
    ):
        ends = _ends(x, log)
        panel.band(ends, [-expected] * 2, [expected] * 2, SHADE, alpha=0.35)
        panel.line(ends, [0.0, 0.0], MUTED, dash="--", width=1.0)
        rest = ~np.isin(families, list(looks))
        if rest.any():
            panel.points(
                x[rest], off[rest], OTHERS.colour, OTHERS.marker, size=SMALL,
                name="other families" if i == 0 else None, group="other families",
            )  # fmt: skip
        for family, style in looks.items():
            own = families == family
            panel.points(
                x[own], off[own], style.colour, style.marker,
                name=family if i == 0 else None, group=family,
            )  # fmt: skip
        panel.axes(words, "loss above the law (%)" if i % 2 == 0 else None, xlog=log, xlim=ends)
    canvas.legend("outside")
    return canvas.finished()


def _off(fit: Fit) -> np.ndarray:
    """Return log loss less that of the law at the median over draws, shape (rows,)."""
    layout, law = fit.layout, fit.law
    inputs = layout.inputs(law)
    out = np.empty(len(layout.log_loss))
    for f in range(len(layout.families)):
        rows = layout.family_of_row == f
        at = {n: fit.posterior[n].values[..., f].ravel() for n in law.parameter_names}
        step = max(1, len(next(iter(at.values()))) // _DRAWS)
        curve = np.log(
            law(
                {n: v[rows] for n, v in inputs.items()}, {n: v[::step, None] for n, v in at.items()}
            )
        )
        out[rows] = layout.log_loss[rows] - np.median(curve, axis=0)
    return out


def _expected(fit: Fit) -> float:
    """Return how far residuals of the typical family reach with probability .9."""
    post = fit.posterior
    variance = post["run_sd"] ** 2
    for more in ("checkpoint_sd", "discrepancy_sd"):
        if more in post:
            variance = variance + post[more] ** 2
    draws = np.random.default_rng([fit.seed, 7]).standard_normal(variance.shape)
    return float(np.quantile(np.abs(draws * np.sqrt(variance.values)), WIDE))


def _ends(x: np.ndarray, log: bool) -> tuple[float, float]:
    """Return where an axis begins and ends, with room at both sides."""
    values = np.log(x) if log else x
    room = 0.08 * np.ptp(values) or 0.5
    ends = np.array([values.min() - room, values.max() + room])
    low, high = np.exp(ends) if log else ends
    return float(low), float(high)
