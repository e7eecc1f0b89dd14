"""What several engines need to know of the rows."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import xarray as xr

from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec


class Checkpointed(Protocol):
    """Rows of which it is known whether some run has several."""

    @property
    def has_checkpoints(self) -> bool:
        """Whether any run has more than one row."""
        ...


def noise_levels(spec: Spec, rows: Checkpointed) -> list[tuple[str, tuple[float, float]]]:
    """Return the noise levels a family has, with their prior intervals."""
    levels = [("run_sd", spec.noise.run)]
    if rows.has_checkpoints:
        levels.append(("checkpoint_sd", spec.noise.checkpoint))
    return levels


def fitted_curve(law: Law, layout: Layout, posterior: xr.Dataset) -> np.ndarray:
    """Return the log loss of the law at each row, at the posterior medians, shape (rows,)."""
    middle = {n: posterior[n].median(("chain", "draw")).values for n in law.parameter_names}
    at_rows = {n: v[layout.family_of_row] for n, v in middle.items()}
    return np.log(law(layout.inputs(law), at_rows))


def positions(layout: Layout) -> np.ndarray:
    """Return the place of each row in its run's checkpoint process, in units of its length."""
    begins = np.diff(layout.run_of_row, prepend=-1) != 0
    # A link that is too weak for a float is weak all the same, not the strongest there is.
    link = np.maximum(layout.link, np.finfo(float).tiny)
    total = np.cumsum(np.where(begins, 0.0, -np.log(link)))
    first = np.flatnonzero(begins)
    return total - total[first][layout.run_of_row]
