"""Back-tests of public ladders by how far they reach: the evidence behind every forecast's card."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import BayeslawWarning, FitError
from bayeslaw.model.priors import load_priors, shipped_priors, slug
from bayeslaw.model.spec import Spec
from bayeslaw.prediction import forecast
from bayeslaw.prediction.forecast import UNSUPPORTED
from bayeslaw.runs import Runs
from bayeslaw.runs.fetch import embedded_folder
from bayeslaw.scoring import rules
from bayeslaw.scoring.averages import LEVELS
from bayeslaw.scoring.backtest import score
from bayeslaw.scoring.priors_choice import parted
from bayeslaw.scoring.priors_fit import short_fit
from bayeslaw.scoring.priors_ladders import SAME_LAB, ladders_of

#: Compute of a family's largest run over that of the largest run that is fitted.
CUTS = (4.0, 10.0, 30.0, 100.0, 300.0)
#: Edges of the bins of how far a target lies beyond: compute over the largest seen.
EDGES = (0.0, 4.0, 10.0, 30.0, 100.0, UNSUPPORTED, np.inf)
#: The two models that are scored, by whether they have a discrepancy.
DISCREPANCY, TRUSTING = "discrepancy", "trusting"

FORMAT = 1
_PLACE = ("public_ladders.json",)
_KEYS = ["model", names.LAB, names.FAMILY, "bin"]
_HELD = [f"held{level}" for level in LEVELS]
_MEANS = [*_HELD, "bias", "crps", "energy_score", "width90"]
_DRAWS = 500
# Runs fitted per family.
_AT_MOST = 60


def bin_of(factor: float) -> int:
    """Return the number of the bin that an extrapolation factor falls in.

    Examples
    --------
    >>> bin_of(1.7), bin_of(10.0), bin_of(5000.0)
    (0, 1, 5)
    """
    # An edge belongs to the bin below it, so that 300 times beyond is still supported.
    return max(int(np.searchsorted(EDGES, factor, side="left") - 1), 0)


def unseen(lab: str, model: str) -> Spec:
    """Return the default specification with priors learned without a lab."""
    name = f"without-{slug(SAME_LAB.get(lab, lab))}"
    # A lab that no prior was learned from needs no version without it.
    priors = load_priors(name if name in shipped_priors() else "generic")
    if SAME_LAB.get(lab, lab) in priors.labs:
        raise FitError(
            f"the shipped priors have seen lab '{lab}', so its scores would be flattered; expected "
            f"{name}.json beside them. Learn them again: bayeslaw priors learn --each."
        )
    spec = Spec().with_priors(priors)
    return spec if model == DISCREPANCY else replace(spec, discrepancy=None)


def public_scores(
    labs: Mapping[str, Runs],
    *,
    believing: Callable[[str, str], Spec] = unseen,
    cuts: Iterable[float] = CUTS,
    draws: int = _DRAWS,
    seed: int = 0,
    told: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Forecast each lab's largest runs from its smaller ones, and score by how far they lie.

    Parameters
    ----------
    labs : runs by lab; each is fitted by itself, as a user would.
    believing : from a lab and a model to the specification to judge it by.
    cuts : runs with at most this fraction (1 / cut) of their family's largest compute are
        fitted; those within a factor of three of the largest are forecast.
    draws : per chain.
    seed : the same seed gives the same scores.
    told : hears of each fit that is done.

    Returns
    -------
    pandas.DataFrame
        One row per model, lab, family and bin: cases; least and most, the factors beyond;
        held50 to held95, bias, crps, energy_score (of the targets of one cut together) and
        width90, means over the cases, relative to the loss; and pit of the farthest case.
    """
    cuts = tuple(cuts)
    parts = []
    for lab, runs in labs.items():
        for cut in cuts:
            found = parted(runs, cut)
            for model in (DISCREPANCY, TRUSTING) if found else ():
                training, targets = found  # type: ignore[misc]
                training = ladders_of(training, _AT_MOST)[lab]
                fitted = short_fit(training, believing(lab, model), draws=draws, seed=seed)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", BayeslawWarning)
                    made = forecast(fitted, targets)
                parts.append(_scored(made.draws, score(made, targets).table).assign(model=model))
                if told:
                    told(f"{lab}, cut {cut:g}, {model}: {len(targets)} targets")
    if not parts:
        raise FitError(
            "no lab has large runs to forecast from smaller ones; expected families whose compute "
            f"spans more than {cuts[0]:g} times. Add ladders, such as the public data sets."
        )
    return _gathered(pd.concat(parts, ignore_index=True))


def _scored(draws: Any, table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per forecast, those of a family and bin with their joint energy score."""
    values = draws.transpose("target", "chain", "draw").values.reshape(len(table), -1)
    seen, middle = table["observed"], table["median"]
    out = table[[names.LAB, names.FAMILY, "crps", "pit"]].assign(
        bin=[bin_of(f) for f in table["extrapolation_factor"]],
        factor=table["extrapolation_factor"],
        bias=(middle - seen) / seen,
        width90=(table["high90"] - table["low90"]) / middle,
    )
    for level in LEVELS:
        inside = (table[f"low{level}"] <= seen) & (seen <= table[f"high{level}"])
        out[f"held{level}"] = inside.astype(float)
    for places in out.groupby([names.FAMILY, "bin"], sort=False).indices.values():
        joint = rules.energy_score(values[places], seen.to_numpy()[places])
        out.loc[places, "energy_score"] = float(joint)
    return out


def _gathered(cases: pd.DataFrame) -> pd.DataFrame:
    """Return the means of each family's cases in a bin; the farthest gives the PIT."""
    groups = cases.groupby(_KEYS, sort=False)
    out = groups[_MEANS].mean()
    out.insert(0, "cases", groups.size())
    out.insert(1, "least", groups["factor"].min())
    out.insert(2, "most", groups["factor"].max())
    out["pit"] = cases.loc[groups["factor"].idxmax()].set_index(_KEYS)["pit"]
    return out.reset_index().sort_values(_KEYS, kind="stable", ignore_index=True)


def as_text(scores: pd.DataFrame, provenance: Mapping[str, Any]) -> str:
    """Return the text of the shipped file: where it is from, then one row a line."""
    rows = [
        json.dumps([float(f"{v:.4g}") if isinstance(v, float) else v for v in row])
        for row in scores.astype(object).itertuples(index=False, name=None)
    ]
    head = {"format": FORMAT, "provenance": dict(provenance), "columns": list(scores.columns)}
    return json.dumps(head, indent=1)[:-2] + ',\n "rows": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n"


def shipped_place() -> Path:
    """Return where the shipped scores lie."""
    return embedded_folder().joinpath("calibration", *_PLACE)


@cache
def shipped_scores() -> pd.DataFrame:
    """Return the shipped scores, in the form of :func:`public_scores`.

    Examples
    --------
    >>> set(shipped_scores()["model"]) == {DISCREPANCY, TRUSTING}
    True
    """
    values = json.loads(shipped_place().read_text(encoding="utf-8"))
    if values["format"] != FORMAT:
        raise FitError(
            f"the shipped scores have format {values['format']}, this version reads {FORMAT}; "
            "expected them to belong together. Install bayeslaw again."
        )
    return pd.DataFrame(values["rows"], columns=values["columns"])
