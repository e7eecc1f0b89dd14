"""Published optima from the points they were read off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayeslaw import names
from tests.benchmarks.ladders import fitted_quietly
from tests.benchmarks.report import Row, Section, between, shown

if TYPE_CHECKING:
    from tests.benchmarks.decisions_sizes import Sizes

TITLE = "Published optima: Chinchilla and Porian"
GOPHER = 5.76e23
# Besiroglu et al. 2024, arXiv:2404.10102: a of their refit, tokens per parameter at the budget of
# Gopher, and the same from the rounded constants of arXiv:2203.15556.
REFIT_A, REFIT_RATIO, ROUNDED_RATIO = 0.513, 18.3, 92.7
# Porian et al. 2024, arXiv:2406.19146: a with its 95 % interval.
PORIAN = {
    "rw|hp-tuned|warm-short|decay-const|count-standard|loss-val": (0.497, 0.491, 0.505),
    "owt2|hp-tuned|warm-short|decay-const|count-standard|loss-val": (0.518, 0.493, 0.541),
    "rw|hp-base|warm-short|decay-chinchilla|count-standard|loss-val": (0.571, 0.560, 0.589),
    "owt2|hp-base|warm-short|decay-chinchilla|count-standard|loss-val": (0.574, 0.542, 0.606),
}


def run(sizes: Sizes, cores: int) -> Section:
    """Allocate from the published points."""
    return Section(7, TITLE, (*_chinchilla(sizes), *_porian(sizes)), _NOTES)


_NOTES = (
    "Chinchilla: 240 points, the law is trusted as in the published refit; below it the default "
    "model with discrepancy. Porian's exponents are of interpolated optima at equal compute, ours "
    "of the additive law; checkpoints of one run share an effect, all budgets of a run are used.",
)


def _chinchilla(sizes: Sizes) -> list[Row]:
    from bayeslaw import Spec, allocate
    from bayeslaw.runs.datasets import load_dataset

    out: list[Row] = []
    runs = load_dataset("chinchilla_epoch_240")
    for label, spec in (("law trusted", Spec(discrepancy=None)), ("default", Spec())):
        made = allocate(fitted_quietly(runs, spec, sizes.effort, 1, 0), GOPHER)
        a = np.quantile(made.a, [0.05, 0.5, 0.95])
        ratio = made.optima[0].tokens / made.optima[0].params
        low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95])
        what = f"Chinchilla, {label}: a (90 %: {a[0]:.3f} to {a[2]:.3f}; refit .513)"
        trusted = spec.discrepancy is None
        out.append(between(what, a[1], 0.49, 0.53) if trusted else shown(what, a[1]))
        if trusted:
            out.append(Row("a's interval contains .513", str(bool(a[0] < REFIT_A < a[2])), "",
                           "True", bool(a[0] < REFIT_A < a[2])))  # fmt: skip
        what = f"Chinchilla, {label}: D*/N* at 5.76e23 (90 %: {low:.1f} to {high:.1f})"
        out.append(shown(what, middle))
        for value, wanted in ((REFIT_RATIO, True), (ROUNDED_RATIO, False)):
            holds = bool(low < value < high)
            row = Row(f"{label}: its interval holds {value:g}", str(holds), "", str(wanted),
                      (holds == wanted) if trusted else None)  # fmt: skip
            out.append(row)
    return out


def _porian(sizes: Sizes) -> list[Row]:
    from bayeslaw import Checkpoints, Spec, allocate
    from tests.benchmarks.labs_cards import ladder

    out: list[Row] = []
    runs = ladder("porian")
    for family, (value, low, high) in PORIAN.items():
        own = runs.drop(runs.table.index[runs.table[names.FAMILY] != family])
        for label, changes in (("law trusted", {"discrepancy": None}), ("default", {})):
            spec = Spec(checkpoints=Checkpoints(after=0.0, at_most=12), **changes)
            made = allocate(fitted_quietly(own, spec, sizes.effort, 1, 0), 2e18)
            a = np.quantile(made.a, [0.05, 0.5, 0.95])
            name = "|".join(family.split("|")[i] for i in (0, 1, 3))
            what = f"{name}, {label}: a (90 %: {a[0]:.3f} to {a[2]:.3f}; published {value})"
            out.append(between(what, a[1], low, high) if label == "default" else shown(what, a[1]))
    return out
