"""The exponents' centre and the discrepancy, chosen by forecasts of the largest runs.

Neither can be read off a fit to all runs: fits on short ranges overstate curvature, and a
discrepancy that is seen everywhere explains nothing beyond. So each lab's large runs are hidden,
forecast under every setting, and scored; a setting is chosen by the other labs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import BayeslawError, BayeslawWarning, FitError
from bayeslaw.inference import Fit
from bayeslaw.laws import Law
from bayeslaw.laws.law import Z95, prior_location
from bayeslaw.model.spec import Discrepancy, Spec
from bayeslaw.pool import Pool, call
from bayeslaw.prediction import forecast
from bayeslaw.runs import Runs
from bayeslaw.scoring import rules
from bayeslaw.scoring.averages import by_family
from bayeslaw.scoring.priors_fit import short_fit
from bayeslaw.scoring.priors_ladders import LEAST_SIZES, thinned

#: Compute of a family's largest run over that of the largest run that is fitted.
CUTS = (4.0, 10.0, 30.0, 100.0)
#: Settings that are tried; never one without discrepancy.
CENTRES = (0.64, 0.8, 1.0, 1.25)
SCALES = (0.0075, 0.015, 0.03, 0.06)
LENGTHS = (3.0, 5.0)
#: S.d. of the log scale of the discrepancy, and of log exponents, around their centres.
SCALE_SPREAD, EXPONENT_SPREAD = 0.5, 0.2

_TARGETS_ABOVE = 3.0  # targets have more than the largest compute over this
_MOST_FAMILIES, _MOST_TARGETS = 6, 10
DRAWS = 250


@dataclass(frozen=True)
class Setting:
    """One of the settings that are tried.

    Attributes
    ----------
    centre : of the exponents, over the centre that the law declares for use with a discrepancy.
    scale : typical s.d. of the discrepancy, as a fraction of the loss.
    length : of the discrepancy, in e-folds.
    exponent_spread, scale_spread : prior s.d. of the log exponents and of the log scale.
    """

    centre: float
    scale: float
    length: float
    exponent_spread: float = EXPONENT_SPREAD
    scale_spread: float = SCALE_SPREAD

    def exponents(self, law: Law) -> dict[str, tuple[float, float]]:
        """Return the 90 % prior interval of each exponent."""
        found = {}
        for name in law.nonlinear:
            declared = law.parameter(name)
            low, high = declared.effective or (declared.low, declared.high)
            middle = float(np.exp(prior_location(low, high)[0]))
            found[name] = around(self.centre * middle, self.exponent_spread)
        return found

    def discrepancy(self) -> Discrepancy:
        """Return the discrepancy with this typical scale and length."""
        return Discrepancy(scale=around(self.scale, self.scale_spread), length=self.length)

    def applied(self, spec: Spec) -> Spec:
        """Return a specification with this setting in force."""
        law: Law = spec.law  # type: ignore[assignment]
        priors = {**spec.priors, **self.exponents(law)}
        return replace(spec, priors=priors, discrepancy=self.discrepancy())


KEYS = ("centre", "scale", "length")
SETTINGS = tuple(Setting(*found) for found in product(CENTRES, SCALES, LENGTHS))


def around(middle: float, spread: float) -> tuple[float, float]:
    """Return the 90 % interval of a log-normal, to four digits.

    Examples
    --------
    >>> around(0.03, 0.5)
    (0.01318, 0.06828)
    """
    reach = np.exp(Z95 * spread)
    return float(f"{middle / reach:.4g}"), float(f"{middle * reach:.4g}")


def parted(lab: Runs, cut: float) -> tuple[Runs, Runs] | None:
    """Part the runs of a lab into those far below its largest and the largest themselves.

    Parameters
    ----------
    lab : runs of one lab.
    cut : runs with at most this fraction (1 / cut) of their family's largest compute are fitted;
        those within a factor of three of the largest are forecast. A run is on one side whole.

    Returns
    -------
    tuple of Runs, or None
        Training runs, and the last row of each target; None if no family has
        enough sizes left to train on. The first six such families are used, ten targets of each.
    """
    table = lab.table
    keys = [table[names.FAMILY], table[names.RUN]]
    ends = table.groupby(keys)[names.FLOPS].transform("max")
    largest = table.groupby(names.FAMILY)[names.FLOPS].transform("max")
    below, above = ends <= largest / cut, ends > largest / _TARGETS_ABOVE
    sizes = table[below].groupby(names.FAMILY, sort=False)[names.PARAMS].nunique()
    ready = thinned(pd.Series(range(len(found := sizes[sizes >= LEAST_SIZES]))), _MOST_FAMILIES)
    if not len(found):
        return None
    chosen = table[names.FAMILY].isin(found.index[ready])
    training = Runs(table[below & chosen].reset_index(drop=True), lab.source)
    targets = Runs(table[above & chosen].reset_index(drop=True), lab.source).last()
    kept = [
        thinned(part[names.FLOPS], _MOST_TARGETS).index
        for _, part in targets.table.groupby(names.FAMILY, sort=False)
    ]
    places = targets.table.index.isin(np.concatenate(kept))
    return training, targets.drop(targets.table.index[~places])


def scored(
    labs: dict[str, Runs],
    spec: Spec,
    *,
    settings: Iterable[Setting] = SETTINGS,
    cuts: Iterable[float] = CUTS,
    seed: int = 0,
    pool: Pool | None = None,
    told: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Forecast the largest runs of each lab from its smaller ones under every setting.

    Parameters
    ----------
    labs : runs by lab; each is fitted by itself, as a user would.
    spec : the rest of the model.
    settings, cuts : what is tried.
    seed : the same seed gives the same scores.
    pool : where fits are made, and a folder that keeps each as soon as it is done.
    told : hears of each setting that is done.

    Returns
    -------
    pandas.DataFrame
        One row per setting, lab and cut: centre, scale, length, lab, cut, n_families, crps (in
        relative loss), log_score (minus the log density of the log loss under a Student-t with
        the forecast's mean and s.d.) and coverage90; smaller is better, for the first two. Means
        are over targets, then families.
    """
    settings, cuts = tuple(settings), tuple(cuts)
    parts = [
        (lab, cut, found)
        for lab, runs in labs.items()
        for cut in cuts
        if (found := parted(runs, cut)) is not None
    ]
    rows = []
    for setting in settings:
        applied = setting.applied(spec)
        calls = [call(_score, lab, cut, *of, applied, seed) for lab, cut, of in parts]
        found = (pool or Pool()).made(calls)
        for (lab, cut, _), score in zip(parts, found, strict=True):
            rows.append({**_key(setting), names.LAB: lab, "cut": cut, **score})
        if told:
            told(f"tried {setting}")
    return pd.DataFrame(rows)


def best(scores: pd.DataFrame, without: tuple[str, ...] = ()) -> Setting:
    """Return the settings averaged, each weighted by how well its forecasts scored.

    Settings lie on a ridge, for lower exponents stand in for a wider discrepancy, and a dozen
    labs cannot tell its members apart: the winner would be an accident. Each lab's log score
    counts as one observation, and the logarithms are averaged under the weights this gives; the
    scatter of the settings widens the priors.

    Parameters
    ----------
    scores : of :func:`scored`.
    without : labs that have no say.

    Raises
    ------
    FitError
        If no lab is left.

    Examples
    --------
    >>> rows = [(0.8, 0.03, 5.0, "a", 4.0, 90.0), (1.0, 0.03, 5.0, "a", 4.0, -1.0)]
    >>> best(pd.DataFrame(rows, columns=["centre", "scale", "length", "lab", "cut", "log_score"]))
    Setting(centre=1.0, scale=0.03, length=5.0, exponent_spread=0.2, scale_spread=0.5)
    """
    total = _by_lab(scores, without)["log_score"].groupby(level=list(KEYS)).sum()
    weight = np.exp(total.min() - total.to_numpy())
    weight /= weight.sum()
    values = np.log(np.array(list(total.index), float))
    middle = weight @ values
    scatter = weight @ (values - middle) ** 2
    found = [float(f"{value:.3g}") for value in np.exp(middle)]
    return Setting(
        *found,
        exponent_spread=float(f"{np.hypot(EXPONENT_SPREAD, scatter[0] ** 0.5):.3g}"),
        scale_spread=float(f"{np.hypot(SCALE_SPREAD, scatter[1] ** 0.5):.3g}"),
    )


def nearest(setting: Setting) -> Setting:
    """Return the nearest of the settings that were tried.

    Examples
    --------
    >>> nearest(Setting(0.75, 0.017, 4.5))
    Setting(centre=0.8, scale=0.015, length=5.0, exponent_spread=0.2, scale_spread=0.5)
    """
    own = np.log([getattr(setting, key) for key in KEYS])
    away = [np.abs(own - np.log([getattr(s, key) for key in KEYS])).sum() for s in SETTINGS]
    return SETTINGS[int(np.argmin(away))]


def means(scores: pd.DataFrame, without: tuple[str, ...] = ()) -> pd.DataFrame:
    """Average scores over the cuts of a lab, then over labs, by setting."""
    return _by_lab(scores, without).groupby(level=list(KEYS)).mean()


def _key(setting: Setting) -> dict[str, float]:
    return {key: getattr(setting, key) for key in KEYS}


def _by_lab(scores: pd.DataFrame, without: tuple[str, ...]) -> pd.DataFrame:
    counted = scores[(scores["scale"] > 0) & ~scores[names.LAB].isin(without)]
    if counted.empty:
        raise FitError(
            "no lab has large runs to forecast from smaller ones; expected families whose "
            f"compute spans more than {CUTS[0]:g} times, {LEAST_SIZES} sizes in the lower part. "
            "Add ladders, such as the public data sets."
        )
    numbers = [n for n in ("log_score", "crps", "coverage90") if n in counted]
    return counted.groupby([*KEYS, names.LAB])[numbers].mean()


def _score(
    lab: str, cut: float, training: Runs, targets: Runs, spec: Spec, seed: int
) -> dict[str, float]:
    try:
        return judge(short_fit(training, spec, draws=DRAWS, seed=seed), targets)
    except BayeslawError as error:
        raise FitError(f"lab '{lab}', cut {cut:g}: {error}") from error


def judge(fitted: Fit, targets: Runs) -> dict[str, float]:
    """Score forecasts of targets: crps, log_score and coverage90, and the families they are of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        draws = forecast(fitted, targets).draws.transpose("target", "chain", "draw").values
    draws = draws.reshape(len(draws), -1)
    observed = targets.table[names.LOSS].to_numpy()
    low, high = np.quantile(draws, [0.05, 0.95], axis=1)
    found = pd.DataFrame(
        {
            "crps": rules.crps(draws, observed),
            "log_score": rules.student_score(draws, observed),
            "coverage90": ((low <= observed) & (observed <= high)).astype(float),
        }
    )
    families = by_family(found, targets.table)
    means = {str(name): float(value) for name, value in families.mean().items()}
    return {"n_families": len(families), **means}
