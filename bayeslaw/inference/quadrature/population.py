"""The population behind the families, what each family's rows say standing as a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from bayeslaw.inference.quadrature.ladder import Belief
from bayeslaw.inference.rows import noise_levels
from bayeslaw.laws import Law
from bayeslaw.laws.law import Z95, prior_location
from bayeslaw.model.layout import APART, CAP, Layout
from bayeslaw.model.spec import Spec

# A lab of this many families is as well known from them as from the other labs.
_HALF_CENTRED = 3.0
_FARTHEST = 50.0
_LOW, _HIGH = (float(v) for v in np.log(APART))
_WIDTH = (_HIGH - _LOW) / (2 * Z95)
_MIDDLE = (_LOW + _HIGH) / 2
_CEILING = CAP * float(APART[1])


@dataclass(frozen=True)
class Population:
    """The population's density in standard coordinates.

    Coordinates, in this order: population medians and spreads between families, each of shape
    (parameters,); if labs are a level, spreads across labs (parameters,) and labs (labs,
    parameters); then typical noise levels.

    Attributes
    ----------
    precision, moment : what each family's rows say of its log parameters in units and log noise
        levels, as a Gaussian in the region where the population puts them; shapes (families,
        values, values) and (families, values).
    """

    spec: Spec
    layout: Layout
    precision: np.ndarray
    moment: np.ndarray

    @property
    def has_labs(self) -> bool:
        """Whether labs are a level."""
        return self.spec.labs and self.layout.has_labs

    @cached_property
    def known(self) -> tuple[np.ndarray, ...]:
        """Prior medians and spreads, typical spread between families, what is pooled, noise."""
        law: Law = self.spec.law  # type: ignore[assignment]
        priors = [self.layout.priors[n] for n in law.parameter_names]
        levels = [prior_location(*i) for _, i in noise_levels(self.spec, self.layout)]
        return (
            np.array([p.location for p in priors]),
            np.array([p.spread for p in priors]),
            np.array([p.between for p in law.parameters]),
            np.array([self.spec.pooling(n) == "partial" for n in law.parameter_names]),
            np.array(levels),
        )

    @cached_property
    def lab_of_family(self) -> np.ndarray:
        """Lab of each family; one lab if labs are not a level."""
        lab = self.layout.lab_of_family
        return lab if self.has_labs else np.zeros_like(lab)

    @cached_property
    def centred(self) -> np.ndarray:
        """By how much each lab is centred, shape (labs,); none if labs are not a level."""
        families = np.bincount(self.lab_of_family)
        return families / (families + _HALF_CENTRED) if self.has_labs else np.zeros(0)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        k, levels = len(self.known[0]), len(self.known[-1])
        return 2 * k + self.has_labs * (1 + len(self.centred)) * k + levels

    def unpack(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Turn coordinates, shape (..., size), into named quantities."""
        location, wide, typical, _, levels = self.known
        k = len(location)
        out = {
            "log_population": location + wide * x[..., :k],
            "between": typical * np.exp(_MIDDLE + _WIDTH * x[..., k : 2 * k]),
        }
        if self.has_labs:
            out["across"] = across = 2 * typical * np.exp(_MIDDLE + _WIDTH * x[..., 2 * k : 3 * k])
            raw = x[..., 3 * k : 3 * k + len(self.centred) * k]
            raw = raw.reshape(*x.shape[:-1], -1, k)
            share, off = self.centred[:, None], wide * x[..., None, :k]
            stretch = across[..., None, :] ** (1 - share)
            out["log_lab"] = out["log_population"][..., None, :] + stretch * (raw - share * off)
        out["levels"] = levels[:, 0] + levels[:, 1] * x[..., x.shape[-1] - len(levels) :]
        return out

    def around(self, drawn: dict[str, np.ndarray], f: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what one family scatters around at each draw, means and spreads (draws, values).

        Where a family is the only one of its lab, the lab is integrated out.
        """
        location, wide, _, partial, _ = self.known
        spread = drawn["between"]
        centre = drawn["log_population"]
        if self._only(f):
            spread = np.hypot(spread, drawn["across"])
        elif self.has_labs:
            centre = drawn["log_lab"][:, self.lab_of_family[f]]
        noise = np.full_like(drawn["levels"], self.spec.noise.between)
        return (
            np.hstack([np.where(partial, centre, location), drawn["levels"]]),
            np.hstack([np.where(partial, spread, wide), noise]),
        )

    def _only(self, f: int) -> bool:
        return self.has_labs and int((self.lab_of_family == self.lab_of_family[f]).sum()) == 1

    def redrawn_labs(
        self, drawn: dict[str, np.ndarray], values: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return labs at each draw, those of a single family drawn again given that family.

        Parameters
        ----------
        values : log parameters of each family in their units, shape (families, draws, k).
        """
        partial = self.known[3]
        out = drawn["log_lab"].copy()
        above, below = drawn["across"] ** 2, drawn["between"] ** 2
        for f, lab in enumerate(self.lab_of_family):
            if self._only(f):
                share = above / (above + below)
                middle = drawn["log_population"] + share * (values[f] - drawn["log_population"])
                fresh = middle + np.sqrt(share * below) * rng.standard_normal(middle.shape)
                out[:, lab] = np.where(partial, fresh, out[:, lab])
        return out

    def log_density(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient at coordinates, shape (size,)."""
        gradient = np.empty_like(x)
        if not np.all(np.abs(x) < _FARTHEST):
            return -np.inf, np.zeros_like(x)
        value = _density(
            x, *self.known, self.lab_of_family, self.centred, self.spec.noise.between,
            self.precision, self.moment, gradient,
        )  # fmt: skip
        return value, gradient

    def cavities(self, x: np.ndarray, wider: float) -> list[Belief]:
        """Return what the other families say of each family, made wider by a factor.

        Parameters
        ----------
        x : coordinates near the mode; spreads are taken from there.
        """
        location, wide, _, partial, levels = self.known
        drawn = self.unpack(x)
        k = len(location)
        noise = np.full(len(levels), self.spec.noise.between)
        between = np.append(np.where(partial, drawn["between"], wide), noise) ** 2
        across = np.zeros_like(between)
        if self.has_labs:
            across[:k] = np.where(partial, drawn["across"], 0.0) ** 2
        top = np.append(np.where(partial, wide, 0.0), levels[:, 1]) ** 2
        centre = np.append(location, levels[:, 0])
        upward = [_passed(p, m, between) for p, m in zip(self.precision, self.moment, strict=True)]
        labs = [
            [sum(u[i] for u, g in zip(upward, self.lab_of_family, strict=True) if g == lab)
             for i in (0, 1)]
            for lab in range(self.lab_of_family.max() + 1)
        ]  # fmt: skip
        of_labs = [_passed(*lab, across) for lab in labs]
        whole = [sum(m[i] for m in of_labs) for i in (0, 1)]
        out = []
        for f, lab in enumerate(self.lab_of_family):
            above = _posterior(centre, top, *(whole[i] - of_labs[lab][i] for i in (0, 1)))
            above = (above[0], above[1] + np.diag(across))
            others = [labs[lab][i] - upward[f][i] for i in (0, 1)]
            mean, covariance = _combined(*above, *others)
            spread = np.sqrt(np.diag(covariance) + between)
            out.append(Belief(mean, wider * spread))
        return out


def _passed(
    precision: np.ndarray, moment: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pass a Gaussian message up through scatter of this variance."""
    share = np.linalg.solve(np.eye(len(moment)) + precision * variance, np.eye(len(moment)))
    out = share @ precision
    return (out + out.T) / 2, share @ moment


def _posterior(
    mean: np.ndarray, variance: np.ndarray, precision: np.ndarray, moment: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return _combined(mean, np.diag(variance), precision, moment)


def _combined(
    mean: np.ndarray, covariance: np.ndarray, precision: np.ndarray, moment: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Combine a prior, perhaps without scatter, with a Gaussian message."""
    gain = np.linalg.solve(np.eye(len(mean)) + covariance @ precision, np.eye(len(mean)))
    return gain @ (mean + covariance @ moment), gain @ covariance


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _density(
    x, location, wide, typical, partial, levels, lab_of_family, centred, noise_between,
    precision, moment, bar,
):  # fmt: skip
    """Return the log density and write its gradient; see :class:`Population` for the layout."""
    k, n_labs, n_levels = location.size, centred.size, levels.shape[0]
    families, size = moment.shape
    last = x.size - n_levels
    between = np.empty(k)
    across = np.empty(k)
    value = 0.0
    for i in range(x.size):
        in_labs = n_labs > 0 and 3 * k <= i < last
        bar[i] = 0.0 if in_labs else -x[i]
        value -= 0.0 if in_labs else 0.5 * x[i] ** 2
    for q in range(k):
        between[q] = typical[q] * np.exp(_MIDDLE + _WIDTH * x[k + q])
        ratio = (between[q] / (_CEILING * typical[q])) ** 2
        value -= 0.5 * ratio
        bar[k + q] -= _WIDTH * ratio
        if n_labs > 0:
            across[q] = 2 * typical[q] * np.exp(_MIDDLE + _WIDTH * x[2 * k + q])
            ratio = (across[q] / (2 * _CEILING * typical[q])) ** 2
            value -= 0.5 * ratio
            bar[2 * k + q] -= _WIDTH * ratio
    lab = np.empty((max(n_labs, 1), k))
    lab_bar = np.zeros((max(n_labs, 1), k))
    for g in range(max(n_labs, 1)):
        for q in range(k):
            off = wide[q] * x[q]
            lab[g, q] = location[q] + off
            if n_labs > 0:
                raw = x[3 * k + g * k + q]
                lab[g, q] += across[q] ** (1 - centred[g]) * (raw - centred[g] * off)
    spread = np.empty(size)
    centre = np.empty(size)
    for q in range(size):
        spread[q] = noise_between if q >= k else (between[q] if partial[q] else wide[q])
    root = np.empty((size, size))
    inverse = np.empty((size, size))
    mean = np.empty(size)
    for f in range(families):
        g = lab_of_family[f]
        for q in range(size):
            if q < k:
                centre[q] = lab[g, q] if partial[q] else location[q]
            else:
                centre[q] = levels[q - k, 0] + levels[q - k, 1] * x[last + q - k]
            weight = spread[q] ** -2.0
            mean[q] = moment[f, q] + weight * centre[q]
            value -= 0.5 * weight * centre[q] ** 2 + np.log(spread[q])
            for r in range(q + 1):
                s = precision[f, q, r]
                if q == r:
                    s += weight
                for i in range(r):
                    s -= root[q, i] * root[r, i]
                if q == r:
                    root[q, q] = np.sqrt(s) if s > 0.0 else np.nan
                else:
                    root[q, r] = s / root[r, r]
            value -= np.log(root[q, q])
        for q in range(size):
            for i in range(q):
                mean[q] -= root[q, i] * mean[i]
            mean[q] /= root[q, q]
            value += 0.5 * mean[q] ** 2
        for q in range(size - 1, -1, -1):
            for i in range(q + 1, size):
                mean[q] -= root[i, q] * mean[i]
            mean[q] /= root[q, q]
        for q in range(size):
            variance = 0.0
            for i in range(q, size):
                s = 1.0 if i == q else 0.0
                for j in range(q, i):
                    s -= root[i, j] * inverse[j, q]
                inverse[i, q] = s / root[i, i]
                variance += inverse[i, q] ** 2
            away = mean[q] - centre[q]
            pull = away * spread[q] ** -2.0
            if q >= k:
                bar[last + q - k] += levels[q - k, 1] * pull
            elif partial[q]:
                lab_bar[g, q] += pull
                bar[k + q] += _WIDTH * ((away**2 + variance) * spread[q] ** -2.0 - 1.0)
    for g in range(max(n_labs, 1)):
        for q in range(k):
            if n_labs == 0:
                bar[q] += wide[q] * lab_bar[g, q]
                continue
            share, off = centred[g], wide[q] * x[q]
            i = 3 * k + g * k + q
            narrow = across[q] ** -share
            stretch = across[q] * narrow
            unit = (x[i] - share * off) * narrow
            value -= 0.5 * unit**2 + share * np.log(across[q])
            bar[i] = -unit * narrow + lab_bar[g, q] * stretch
            bar[q] += wide[q] * (lab_bar[g, q] * (1 - stretch * share) + unit * share * narrow)
            along = lab_bar[g, q] * (1 - share) * stretch * (x[i] - share * off)
            bar[2 * k + q] += _WIDTH * (share * unit**2 - share + along)
    return value


def first_belief(spec: Spec, layout: Layout) -> Belief:
    """Return what a family scatters around before any family was seen."""
    law: Law = spec.law  # type: ignore[assignment]
    alone = len(layout.families) == 1
    mean, spread = [], []
    for p in law.parameters:
        prior = layout.priors[p.name]
        own = p.between if spec.pooling(p.name) == "partial" else 0.0
        mean.append(prior.location)
        spread.append(np.hypot(prior.spread, own))
    for _, interval in noise_levels(spec, layout):
        middle, width = prior_location(*interval)
        mean.append(middle)
        spread.append(width if alone else np.hypot(width, spec.noise.between))
    return Belief(np.array(mean), np.array(spread))
