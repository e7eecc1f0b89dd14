"""The back-test of a fit's own ladder: its largest sizes hidden, once per fit and cheaply."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import BayeslawError, BayeslawWarning, RunsError
from bayeslaw.inference import Fit
from bayeslaw.runs import Runs
from bayeslaw.scoring.backtest import backtest
from bayeslaw.scoring.evidence import Evidence
from bayeslaw.scoring.holdout import hide
from bayeslaw.scoring.priors_ladders import thinned

FORMAT = 1
_DRAWS = 250
# More families tell little more about coverage, and take as long as the fit itself.
_MOST_FAMILIES = 20
_MADE: WeakKeyDictionary[Fit, Evidence | str] = WeakKeyDictionary()


def own_evidence(fitted: Fit, *, seed: int | None = None) -> Evidence | str:
    """Hide the largest size of each family of a fit's runs, and forecast it from the rest.

    The specification is the fit's own; the refit is a short one by quadrature. What was found
    for a fit is kept with it, so a second call costs nothing.

    Parameters
    ----------
    fitted : the fit; of more than twenty families of three sizes, twenty are taken.
    seed : of the refit; that of the fit unless given.

    Returns
    -------
    Evidence or str
        The evidence, or why there is none and what to do.
    """
    if fitted not in _MADE:
        _MADE[fitted] = _backtested(fitted, fitted.seed if seed is None else seed)
    return _MADE[fitted]


def keep(fitted: Fit, found: Evidence | str) -> None:
    """Let evidence that was made before stand for a fit."""
    _MADE[fitted] = found


def known(fitted: Fit) -> Evidence | str | None:
    """Return what was found for a fit, if it was looked for."""
    return _MADE.get(fitted)


def to_text(fitted: Fit, found: Evidence | str) -> str:
    """Return evidence as the text of a file that says which fit it belongs to."""
    value = found if isinstance(found, str) else found.to_dict()
    return json.dumps({**_key(fitted), "evidence": value}, indent=1) + "\n"


def recall(fitted: Fit, path: Path) -> bool:
    """Take up the evidence in a file, if it belongs to this fit; say whether it does."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        found = values.pop("evidence")
        if values != json.loads(json.dumps(_key(fitted))):
            return False
        keep(fitted, found if isinstance(found, str) else Evidence.from_dict(found))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return True


def _key(fitted: Fit) -> Mapping[str, Any]:
    return {
        "format": FORMAT,
        "digest": fitted.runs.digest,
        "spec": fitted.spec.to_dict(),
        "seed": fitted.seed,
        "version": fitted.versions.get("bayeslaw", ""),
    }


def _backtested(fitted: Fit, seed: int) -> Evidence | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BayeslawWarning)
            card = backtest(
                _few(fitted.runs), spec=fitted.spec, seed=seed, engine="quadrature",
                draws=_DRAWS, retry=False,
            )  # fmt: skip
    except RunsError:
        return "no family has three sizes, so none can be hidden; add runs of other sizes"
    except BayeslawError as error:
        return f"{error} For a full one: bayeslaw backtest."
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        return f"the refit broke ({error}); make a full one: bayeslaw backtest"
    return Evidence.of_card(card)


def _few(runs: Runs) -> Runs:
    """Keep the families that can be scored, and no more than twenty of them."""
    scored = pd.Series(hide(runs)[1].families)
    if len(scored) <= _MOST_FAMILIES:
        return runs
    kept = scored[thinned(pd.Series(range(len(scored))), _MOST_FAMILIES)]
    return runs.drop(runs.table.index[~runs.table[names.FAMILY].isin(kept)])
