"""Whether draws may serve as a reference: R-hat, effective draws and divergences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

RHAT, ESS = 1.01, 4000.0  # at most, and of 10,000 draws at least


def diagnose(draws: Mapping[str, np.ndarray], divergences: int) -> dict[str, Any]:
    """Return the diagnostics under posteriordb's names; lists are in the order of ``names``."""
    import arviz_stats

    azs: Any = arviz_stats
    data = xr.Dataset({label: (("chain", "draw"), values) for label, values in draws.items()})
    chains, length = next(iter(draws.values())).shape

    def listed(found: xr.Dataset) -> list[float]:
        return [round(float(found[label]), 5) for label in draws]

    return {
        "diagnostic_information": {"names": list(draws)},
        "ndraws": chains * length,
        "nchains": chains,
        "effective_sample_size_bulk": listed(azs.ess(data, method="bulk")),
        "effective_sample_size_tail": listed(azs.ess(data, method="tail")),
        "r_hat": listed(azs.rhat(data)),
        "divergent_transitions": divergences,
    }


def faults(found: Mapping[str, Any]) -> list[str]:
    """Say what forbids to store draws with these diagnostics; none if nothing does."""
    labels = found["diagnostic_information"]["names"]
    out = []
    worst = int(np.argmax(found["r_hat"]))
    if not found["r_hat"][worst] < RHAT:
        out.append(f"R-hat of {labels[worst]} is {found['r_hat'][worst]:.4f}")
    for kind in ("bulk", "tail"):
        ess = found[f"effective_sample_size_{kind}"]
        least = int(np.argmin(ess))
        if not ess[least] > ESS:
            out.append(f"{kind} ESS of {labels[least]} is {ess[least]:.0f}")
    return out
