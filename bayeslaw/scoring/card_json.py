"""A score card as JSON values, in the form the contract asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw import names
from bayeslaw.scoring.averages import LEVELS
from bayeslaw.scoring.baselines import BASELINES

if TYPE_CHECKING:
    from bayeslaw.scoring.card import Scorecard

_FACTS = ("family", "lab", "known_family", "run", "params", "tokens", "observed", "median", "sd")
_SCORES = ("crps", "log_score", "interval_score", "pit", "z", "extrapolation_factor")


def record(card: Scorecard) -> dict[str, Any]:
    """Return a card as nested dictionaries, lists, numbers and text; what is missing is None.

    Parameters
    ----------
    card : the scores.

    Returns
    -------
    dict
        The contract's keys targets and summary; beside them what counts labs, and what looks at
        the families' targets together.
    """
    return _plain(
        {
            "law": card.law,
            "seed": card.seed,
            "holdout": card.holdout,
            "score": card.scored,
            "health": None if card.health is None else card.health.to_dict(),
            "targets": [_target(row, card.rivals) for row in card.table.to_dict("records")],
            "summary": card.summary,
            "coverage_bounds": card.coverage_bounds,
            "energy_score": card.by_family(card.table["energy_score"]).mean(),
            "worst_z": card.table["z"].abs().max(),
            "uniformity": card.uniformity,
            "lab_summary": card.lab_summary,
            "coverage_bounds_by_lab": card.coverage_bounds_by_lab,
            "by_lab": card.by_lab.reset_index(names=names.LAB).to_dict("records"),
        }
    )


def _target(row: dict[Any, Any], rivals: list[str]) -> dict[str, Any]:
    out = {name: row[name] for name in _FACTS}
    out["intervals"] = {level: (row[f"low{level}"], row[f"high{level}"]) for level in LEVELS}
    out |= {name: row[name] for name in _SCORES}
    return out | {"baselines": {name: row.get(name) for name in (*BASELINES, *rivals)}}


def _plain(value: Any) -> Any:
    """Return nested figures as JSON values."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
