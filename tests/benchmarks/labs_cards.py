"""Back-tests of public ladders, each lab with priors that never saw it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from bayeslaw import names
from bayeslaw.errors import BayeslawWarning

if TYPE_CHECKING:
    from bayeslaw.model import Spec
    from bayeslaw.runs import Runs
    from bayeslaw.scoring import Scorecard

CLEAN = "colpret_clean"
LADDERS = (
    "gadre_overtrain",
    "gemstones",
    "datablations",
    "porian",
    "gdm_routing",
    "olmo_ladder",
    "chinchilla_epoch",
)
LARGEST, TENFOLD = "largest", "10x"
_REACH = 10.0

Believing = Callable[[str], "Spec"]


@dataclass(frozen=True)
class Lengths:
    """How long fits are: draws per chain, and processors."""

    draws: int = 500
    cores: int = 1


def learned(lab: str) -> Spec:
    """Return the default specification with priors learned without a lab."""
    from bayeslaw.model import Spec, load_priors
    from bayeslaw.model.priors import slug
    from bayeslaw.scoring.priors_ladders import SAME_LAB

    priors = load_priors(f"without-{slug(SAME_LAB.get(lab, lab))}")
    if SAME_LAB.get(lab, lab) in priors.labs:
        raise AssertionError(f"the priors to judge {lab} by have seen it")
    return Spec().with_priors(priors)


def declared(lab: str) -> Spec:
    """Return the default specification with its built-in priors, which know these labs."""
    from bayeslaw.model import Spec

    return Spec()


def clean() -> Runs:
    """Return ColPret without normalised, mixed and epoch-grid families: thirty of them."""
    from bayeslaw.runs.datasets import load_dataset

    return load_dataset(CLEAN)


def ladder(dataset: str) -> Runs:
    """Return one lab's ladder: cooled ends of gemstones, datablations up to four epochs."""
    from bayeslaw.scoring.priors_ladders import public_ladder

    return public_ladder(dataset).load()


def largest_tenfold(runs: Runs) -> str:
    """Return the condition that hides the upper factor of ten of every family's compute."""
    top = runs.table.groupby(names.FAMILY, sort=False)[names.FLOPS].max()
    parts = (top / _REACH).to_dict().items()
    return " or ".join(f"(family == {name!r} and flops > {part!r})" for name, part in parts)


def trainable_tenfold(runs: Runs) -> Runs:
    """Keep families with two runs or more of two sizes a factor of ten below their largest."""
    table = runs.table
    ends = table.groupby([table[names.FAMILY], table[names.RUN]])[names.FLOPS].transform("max")
    top = table.groupby(names.FAMILY)[names.FLOPS].transform("max")
    sizes = table[ends <= top / _REACH].groupby(names.FAMILY)[names.PARAMS].nunique()
    kept = table[names.FAMILY].isin(sizes[sizes >= 2].index)
    return runs.drop(table.index[~kept])


def card(
    runs: Runs, split: str, spec: Spec, lengths: Lengths, *, score: str = "last",
    parametric: bool = True,
) -> Scorecard:  # fmt: skip
    """Back-test one table under one split."""
    from bayeslaw.scoring import backtest

    if split == TENFOLD:
        runs = trainable_tenfold(runs)
    holdout = largest_tenfold(runs) if split == TENFOLD else split
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        made = backtest(
            runs, holdout, spec=spec, score=score, parametric=parametric, engine="quadrature",
            draws=lengths.draws, cores=lengths.cores, retry=False, seed=1,
        )  # fmt: skip
    return replace(made, holdout=split)


def clean_card(
    split: str, believing: Believing, lengths: Lengths, *, score: str = "tail"
) -> Scorecard:
    """Back-test all families of ColPret at once, as often as there are labs to be judged.

    The fit of each lab's turn has priors that never saw it; its families are read off the card.
    """
    from bayeslaw.scoring import Scorecard

    runs = clean()
    made: list[tuple[Spec, Scorecard]] = []
    parts = []
    for lab in scored_labs(runs, split):
        spec = believing(lab)
        whole = next((known for other, known in made if other == spec), None)
        if whole is None:
            whole = card(runs, split, spec, lengths, score=score)
            made.append((spec, whole))
        mine = whole.table[whole.table[names.LAB] == lab].reset_index(drop=True)
        parts.append(replace(whole, table=mine))
    return Scorecard.joined(parts)


def alone_card(split: str, believing: Believing, lengths: Lengths) -> Scorecard:
    """Back-test the labs of ColPret one by one, each with nothing but its own families."""
    from bayeslaw.scoring import Scorecard

    runs = clean()
    parts = []
    for lab in scored_labs(runs, split):
        own = runs.drop(runs.table.index[runs.table[names.LAB] != lab])
        parts.append(card(own, split, believing(lab), lengths, score="tail"))
    return Scorecard.joined(parts)


def scored_labs(runs: Runs, split: str) -> list[str]:
    """Return the labs with a family that a split hides runs of."""
    from bayeslaw.scoring import hide

    if split == TENFOLD:
        runs = trainable_tenfold(runs)
        hidden = hide(runs, largest_tenfold(runs))[1]
    else:
        hidden = hide(runs, split)[1]
    return list(dict.fromkeys(hidden.table[names.LAB]))


def ladder_card(
    dataset: str, split: str, believing: Believing, lengths: Lengths, *, parametric: bool = True
) -> Scorecard:
    """Back-test one lab's ladder by itself."""
    runs = ladder(dataset)
    (lab,) = set(runs.table[names.LAB])
    return card(runs, split, believing(lab), lengths, parametric=parametric)


def lab_figures(made: Scorecard) -> pd.DataFrame:
    """Return, by lab, what the forecasts and each rival scored: ours first."""
    from bayeslaw.scoring.averages import figures

    rows = {}
    for name in (None, *made.rivals):
        own = figures(made.table, name).groupby(level=0, sort=False).mean()
        for lab, row in own.iterrows():
            rows[lab, name or "bayeslaw"] = row
    return pd.DataFrame(rows).T.rename_axis(["lab", "forecast"])
