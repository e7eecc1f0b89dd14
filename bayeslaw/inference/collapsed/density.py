"""The collapsed posterior density in coordinates that NUTS can walk, exact but for the discrepancy.

The discrepancy is integrated out, also exactly; nothing is approximated. The kernels work outside
the interpreter's lock, so that chains run side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from bayeslaw.inference.collapsed.eliminate import eliminated
from bayeslaw.inference.collapsed.known import NONE, PARTIAL, SHARED, Hints, Known, known
from bayeslaw.inference.collapsed.scatter import (
    bent,
    bent_back,
    placed,
    placed_back,
    sheared,
    sheared_back,
    spread_out,
    spread_out_back,
)
from bayeslaw.inference.collapsed.tape import play, rewind
from bayeslaw.inference.quadrature.evidence import MIDDLE, WIDTH
from bayeslaw.model.layout import APART, CAP, Layout
from bayeslaw.model.spec import Spec

FARTHEST = 40.0
_CEILING = CAP * float(APART[1])
_POPULATION, _BETWEEN, _ACROSS, _LAB, _LEVELS, _OWN, _NOISE, _SCALE, _WEIGHT = range(9)


@dataclass(frozen=True)
class Collapsed:
    """The density of everything but the discrepancy, whose components are integrated out."""

    spec: Spec
    layout: Layout
    hints: Hints | None = None

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Coordinates by name, in order; what the model lacks has none."""
        layout, spec = self.layout, self.spec
        families, k = len(layout.families), len(layout.priors)
        levels = 1 + layout.has_checkpoints
        apart = k if families > 1 else 0
        labs = len(layout.labs) if spec.labs and layout.has_labs else 0
        return {
            "population": (apart,),
            "between": (apart,),
            "across": (apart * (labs > 0),),
            "lab": (labs, apart),
            "levels": (levels * (families > 1),),
            "own": (families, k - len(layout.shared)),
            "noise": (families, levels),
            "scale": (families * (spec.process is not None),),
            "weight": (len(layout.runs) * (spec.noise.tails is not None),),
        }

    @cached_property
    def known(self) -> Known:
        """Everything else."""
        ends = np.cumsum([0, *(int(np.prod(s)) for s in self.shapes.values())])
        return known(self.spec, self.layout, ends, self.hints)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return int(self.known.begins[-1])

    def coordinates(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Part coordinates by name; the parts are views."""
        ends = self.known.begins
        return {
            n: x[ends[i] : ends[i + 1]].reshape(s) for i, (n, s) in enumerate(self.shapes.items())
        }

    def families(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what families have at points of shape (points, size), as :func:`named` writes."""
        points, families = len(coordinates), len(self.layout.families)
        log_values = np.empty((points, families, len(self.layout.priors)))
        noise = np.empty((points, families, 3))
        weight = np.empty((points, len(self.layout.runs)))
        named(coordinates, self.known, log_values, noise, weight)
        return log_values, noise, weight

    def log_density(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient at coordinates, shape (size,)."""
        bar = np.zeros_like(x)
        return joint(x, bar, self.known), bar


@numba.njit(cache=True, nogil=True, error_model="numpy")
def joint(x, bar, known):
    """Return the log density at coordinates and write its gradient, from zeros."""
    for i in range(x.size):
        if not abs(x[i]) < FARTHEST:
            return -np.inf
    upper, between, across, lab, levels = above(x, known)
    spread = around(between, known.wide, known.kind)
    families, k = known.centre.shape
    mean_bar, log_spread_bar = np.zeros((max(lab.shape[0], 1), k)), np.zeros(k)
    upper_bar, level_bar = np.zeros(k), np.zeros(levels.size)
    most = 0
    for f in range(families):
        most = max(most, known.rows_of[f + 1] - known.rows_of[f])
    values = np.empty((known.steps.shape[0], most))
    bars = np.empty((known.steps.shape[0], most))
    rest, rest_bar = np.empty(most), np.empty(most)
    size = known.own.size
    root, ahead, away = np.empty((size, size)), np.empty(size), np.empty(size)
    mean, log_values, scaled = np.empty(k), np.empty(k), np.empty(k)
    own_mean_bar, own_spread_bar, log_bar = np.empty(k), np.empty(k), np.empty(k)
    firm, firm_bar = np.empty(k), np.empty(k)
    levels_bar = np.empty(3)
    total = 0.0
    for f in range(families):
        begin = known.begins[_OWN] + f * size
        z, z_bar = x[begin : begin + size], bar[begin : begin + size]
        in_lab = known.lab_of_family[f]
        centred(in_lab, upper, lab, known.location, known.kind, mean)
        noise = noise_of(x, f, levels, known)
        firmness(noise, f, known, firm)
        placed(
            z, mean, spread, known.centre[f], known.information[f], firm, known.own, root, ahead,
            away,
        )  # fmt: skip
        for q in range(k):
            log_values[q] = mean[q]
            log_bar[q] = own_mean_bar[q] = own_spread_bar[q] = firm_bar[q] = 0.0
        for i in range(size):
            log_values[known.own[i]] += away[i]
        sheared(log_values, known.centre[f], known.lever[f])
        level = bent(log_values, known.centre[f], known.share[f])
        for q in range(k):
            scaled[q] = log_values[q] + known.log_scale[f, q]
        first, last = known.rows_of[f], known.rows_of[f + 1]
        rows = last - first
        play(
            known.steps, known.constants, known.points[:, first:last],
            scaled, values[:, :rows],
        )  # fmt: skip
        for i in range(rows):
            curve = values[-1, i] if known.steps[-1, 3] else values[-1, 0]
            rest[i] = known.log_loss[first + i] - curve
        a, b = known.runs_of[f], known.runs_of[f + 1]
        weight, weight_bar = weights_of(x, f, noise, known), np.empty(b - a)
        total += eliminated(
            known.starts[a : b + 1] - first, known.near[first:last],
            known.phi[first:last, : known.ranks[f]], known.remainder[first:last],
            known.loss_sd[first:last], noise[0], noise[1], noise[2], weight,
            rest[:rows], rest_bar, levels_bar, weight_bar,
        )  # fmt: skip
        for i in range(rows):
            bars[-1, i] = -rest_bar[i]
        rewind(known.steps, values[:, :rows], bars, log_bar)

        for i in range(size):
            q = known.own[i]
            unit = (log_values[q] - mean[q]) / spread[q]
            total -= 0.5 * unit**2 + math.log(spread[q])
            log_bar[q] -= unit / spread[q]
            own_mean_bar[q] += unit / spread[q]
            own_spread_bar[q] += unit**2 - 1.0
        bent_back(log_values, known.centre[f], known.share[f], level, log_bar)
        sheared_back(log_values, known.centre[f], known.lever[f], log_bar)
        pass_on = np.empty(size)
        for q in range(k):
            if known.kind[q] == SHARED and not known.alone:
                own_mean_bar[q] += log_bar[q]
        for i in range(size):
            pass_on[i] = log_bar[known.own[i]]
        total += placed_back(
            pass_on, mean, spread, known.centre[f], known.information[f], firm, known.own, root,
            ahead, away, z_bar, own_mean_bar, own_spread_bar, firm_bar,
        )  # fmt: skip
        for j in range(3):
            levels_bar[j] += known.eases[f, j] * firm_bar.sum()
        for q in range(k):
            if known.kind[q] == PARTIAL:
                mean_bar[in_lab, q] += own_mean_bar[q]
                log_spread_bar[q] += own_spread_bar[q]
            elif known.kind[q] == SHARED:
                upper_bar[q] += own_mean_bar[q]
        if known.tails > 0.0:
            begin, half = known.begins[_WEIGHT], 0.5 * known.tails
            for r in range(a, b):
                total += half * (math.log(weight[r - a]) - weight[r - a])
                pull = weight_bar[r - a] + half * (1.0 - weight[r - a])
                bar[begin + r] = pull
                for j in range(levels.size):
                    levels_bar[j] += known.lean[r, j] * pull
        total += _noise_back(x, bar, f, levels, noise, levels_bar, level_bar, known)
    if not known.alone:
        total += _above_back(
            x, bar, known, upper, between, across, lab, upper_bar, mean_bar, log_spread_bar,
            level_bar,
        )  # fmt: skip
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def above(x, known):
    """Return what families scatter around.

    Returns
    -------
    Log population medians, spread between families, spread across labs, log medians of labs
    (none if they are no level), and log typical noise levels.
    """
    k, labs, n_levels = known.location.size, known.lab_centre.shape[0], known.levels.shape[0]
    upper, between = known.location.copy(), known.wide.copy()
    across, lab = np.zeros(k), np.empty((labs, k))
    levels = known.levels[:, 0].copy()
    if known.alone:
        return upper, between, across, lab, levels
    root, ahead, away = np.empty((k, k)), np.empty(k), np.empty(k)
    every, firm = np.arange(k), np.empty(k)
    for q in range(k):
        at = x[known.begins[_BETWEEN] + q]
        between[q] = known.typical[q] * math.exp(MIDDLE + WIDTH * at)
        if labs > 0:
            at = x[known.begins[_ACROSS] + q]
            across[q] = 2.0 * known.typical[q] * math.exp(MIDDLE + WIDTH * at)
    begin = known.begins[_POPULATION]
    wider, centre = farther(between, known.apart), np.empty(k)
    labs_wider = farther(across, known.labs_apart) if labs > 0 else wider
    _moved(labs_wider, known.top_centre, known.top_moves, known.top_eases, centre, firm)
    placed(
        x[begin : begin + k], known.location, known.wide, centre, known.top_information,
        firm, every, root, ahead, away,
    )  # fmt: skip
    for q in range(k):
        upper[q] += away[q]
    for g in range(labs):
        begin = known.begins[_LAB] + g * k
        _moved(wider, known.lab_centre[g], known.lab_moves[g], known.lab_eases[g], centre, firm)
        placed(
            x[begin : begin + k], upper, across, centre, known.lab_information[g],
            firm, every, root, ahead, away,
        )  # fmt: skip
        for q in range(k):
            lab[g, q] = upper[q] + away[q]
    for j in range(n_levels):
        levels[j] += known.levels[j, 1] * x[known.begins[_LEVELS] + j]
    return upper, between, across, lab, levels


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _above_back(
    x, bar, known, upper, between, across, lab, upper_bar, mean_bar, log_spread_bar, level_bar
):  # fmt: skip
    """Pass gradients from families to the population; return its log prior."""
    k, labs = known.location.size, lab.shape[0]
    root, ahead, away = np.empty((k, k)), np.empty(k), np.empty(k)
    every, log_across_bar = np.arange(k), np.zeros(k)
    firm, firm_bar = np.empty(k), np.empty(k)
    centre, aside = np.empty(k), np.empty(k)
    wider = farther(between, known.apart)
    labs_wider = farther(across, known.labs_apart) if labs > 0 else wider
    value = 0.0
    for q in range(k if labs == 0 else 0):
        upper_bar[q] += mean_bar[0, q]
    for g in range(labs):
        begin, own_bar = known.begins[_LAB] + g * k, mean_bar[g]
        _moved(wider, known.lab_centre[g], known.lab_moves[g], known.lab_eases[g], centre, firm)
        placed(
            x[begin : begin + k], upper, across, centre, known.lab_information[g],
            firm, every, root, ahead, away,
        )  # fmt: skip
        for q in range(k):
            unit = away[q] / across[q]
            value -= 0.5 * unit**2 + math.log(across[q])
            own_bar[q] -= unit / across[q]
            upper_bar[q] += unit / across[q]
            log_across_bar[q] += unit**2 - 1.0
        firm_bar[:] = 0.0
        aside[:] = 0.0
        value += placed_back(
            own_bar, upper, across, centre, known.lab_information[g], firm, every, root, ahead,
            away, bar[begin : begin + k], aside, log_across_bar, firm_bar,
        )  # fmt: skip
        _moved_back(
            own_bar, aside, firm_bar, wider, known.lab_moves[g], known.lab_eases[g],
            log_spread_bar,
        )  # fmt: skip
        for q in range(k):
            upper_bar[q] += aside[q]
    for q in range(k):
        unit = (upper[q] - known.location[q]) / known.wide[q]
        value -= 0.5 * unit**2
        upper_bar[q] -= unit / known.wide[q]
    begin = known.begins[_POPULATION]
    _moved(labs_wider, known.top_centre, known.top_moves, known.top_eases, centre, firm)
    placed(
        x[begin : begin + k], known.location, known.wide, centre, known.top_information,
        firm, every, root, ahead, away,
    )  # fmt: skip
    firm_bar[:] = 0.0
    aside[:] = 0.0
    value += placed_back(
        upper_bar, known.location, known.wide, centre, known.top_information, firm,
        every, root, ahead, away, bar[begin : begin + k], aside, np.zeros(k), firm_bar,
    )  # fmt: skip
    above_bar = log_across_bar if labs > 0 else log_spread_bar
    _moved_back(upper_bar, aside, firm_bar, labs_wider, known.top_moves, known.top_eases, above_bar)
    for q in range(k):
        # Of what is not pooled the spread is a coordinate all the same, with its prior alone.
        value += _spread_back(x, bar, known.begins[_BETWEEN] + q, log_spread_bar[q])
        if labs > 0:
            value += _spread_back(x, bar, known.begins[_ACROSS] + q, log_across_bar[q])
    for j in range(known.levels.shape[0]):
        at = known.begins[_LEVELS] + j
        value -= 0.5 * x[at] ** 2
        bar[at] = known.levels[j, 1] * level_bar[j] - x[at]
    return value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _spread_back(x, bar, at, log_bar):
    """Pass the gradient in a log spread to its coordinate; return the log prior."""
    ratio = (math.exp(MIDDLE + WIDTH * x[at]) / _CEILING) ** 2
    bar[at] = WIDTH * (log_bar - ratio) - x[at]
    return -0.5 * (x[at] ** 2 + ratio)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def around(between, wide, kind):
    """Return the s.d. of log parameters around what is above them."""
    spread = np.empty(between.size)
    for q in range(between.size):
        spread[q] = wide[q] if kind[q] == NONE else between[q]
    return spread


@numba.njit(cache=True, nogil=True, error_model="numpy")
def centred(in_lab, upper, lab, location, kind, mean):
    """Write what the log parameters of a family scatter around."""
    for q in range(mean.size):
        mean[q] = upper[q]
        if kind[q] == PARTIAL and lab.shape[0] > 0:
            mean[q] = lab[in_lab, q]
        elif kind[q] == NONE:
            mean[q] = location[q]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def firmness(noise, f, known, firm):
    """Write the factors of a family's information: what is noisier says less."""
    log_firm = 0.0
    for j in range(3):
        if known.eases[f, j] != 0.0:
            log_firm += known.eases[f, j] * (math.log(noise[j]) - known.eased_at[f, j])
    firm[:] = math.exp(log_firm)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def farther(spread, at):
    """Return the log of how much farther apart members lie than where all is known."""
    out = np.empty(spread.size)
    for q in range(spread.size):
        out[q] = math.log(spread[q] / at[q])
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _moved(wider, centre, moves, eases, moved, firm):
    """Write where members put their group, and how firmly: the farther apart, the less.

    Between those that know best and the plain mean of all a centre goes from end to end.
    """
    for q in range(moved.size):
        moved[q] = centre[q]
        firm[q] = math.exp(eases[q] * wider[q])
        for j in range(moved.size):
            moved[q] += moves[q, j] * math.tanh(wider[j])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _moved_back(bar, mean_bar, firm_bar, wider, moves, eases, log_spread_bar):
    """Pass gradients from what members said to the log spread between them.

    A group whose centre and mean move alike moves with them, so the gradient in the centre is that
    in the group less that in the mean.
    """
    for j in range(bar.size):
        pull = 0.0
        for q in range(bar.size):
            pull += moves[q, j] * (bar[q] - mean_bar[q])
        log_spread_bar[j] += eases[j] * firm_bar[j] + pull * (1.0 - math.tanh(wider[j]) ** 2)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def noise_of(x, f, levels, known):
    """Return run and checkpoint noise and the scale of the discrepancy of a family."""
    found = np.zeros(2)
    for j in range(levels.size):
        at = x[known.begins[_NOISE] + f * levels.size + j]
        off = levels[j] - known.levels[j, 0]
        own = spread_out(at, off, known.noise_between[j], known.noise_share[f, j])
        found[j] = math.exp(known.levels[j, 0] + own)
    tau = 0.0
    if known.begins[_SCALE + 1] > known.begins[_SCALE]:
        tau = math.exp(known.scale[0] + known.scale[1] * x[known.begins[_SCALE] + f])
    return found[0], found[1], tau


@numba.njit(cache=True, nogil=True, error_model="numpy")
def weights_of(x, f, noise, known):
    """Return the precision factor of each run of a family."""
    a, b = known.runs_of[f], known.runs_of[f + 1]
    weight = np.ones(b - a)
    if known.tails > 0.0:
        for r in range(a, b):
            at = x[known.begins[_WEIGHT] + r]
            for j in range(known.levels.shape[0]):
                at += known.lean[r, j] * (math.log(noise[j]) - known.levels[j, 0])
            weight[r - a] = math.exp(at)
    return weight


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _noise_back(x, bar, f, levels, found, levels_bar, level_bar, known):
    """Pass gradients from noise levels and scale to their coordinates; return their log prior."""
    value = 0.0
    for j in range(levels.size):
        i = known.begins[_NOISE] + f * levels.size + j
        ratio = (found[j] / (CAP * known.levels[j, 2])) ** 2
        add, bar[i], up, _ = spread_out_back(
            x[i], levels[j] - known.levels[j, 0], known.noise_between[j], known.noise_share[f, j],
            levels_bar[j] - ratio,
        )  # fmt: skip
        value += add - 0.5 * ratio
        level_bar[j] += up
    if known.begins[_SCALE + 1] > known.begins[_SCALE]:
        i = known.begins[_SCALE] + f
        ratio = (found[2] / (CAP * known.scale[2])) ** 2
        value -= 0.5 * (x[i] ** 2 + ratio)
        bar[i] = known.scale[1] * (levels_bar[2] - ratio) - x[i]
    return value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def named(coordinates, known, log_values, noise, weight):
    """Write what families have at each point.

    Parameters
    ----------
    coordinates : shape (points, size).
    log_values, noise, weight : written: log parameters in units; run noise, checkpoint noise and
        s.d. of the discrepancy; and precision factors of the runs. Shapes (points, families,
        parameters), (points, families, 3) and (points, runs).
    """
    size = known.own.size
    root, ahead, away = np.empty((size, size)), np.empty(size), np.empty(size)
    firm = np.empty(known.location.size)
    for p in range(coordinates.shape[0]):
        x = coordinates[p]
        upper, between, _, lab, levels = above(x, known)
        spread = around(between, known.wide, known.kind)
        for f in range(log_values.shape[1]):
            begin = known.begins[_OWN] + f * size
            mean = log_values[p, f]
            centred(known.lab_of_family[f], upper, lab, known.location, known.kind, mean)
            found = noise_of(x, f, levels, known)
            firmness(found, f, known, firm)
            placed(
                x[begin : begin + size], mean, spread, known.centre[f], known.information[f],
                firm, known.own, root, ahead, away,
            )  # fmt: skip
            for i in range(size):
                mean[known.own[i]] += away[i]
            sheared(mean, known.centre[f], known.lever[f])
            bent(mean, known.centre[f], known.share[f])
            noise[p, f, 0], noise[p, f, 1], noise[p, f, 2] = found
            own = weights_of(x, f, found, known)
            for r in range(own.size):
                weight[p, known.runs_of[f] + r] = own[r]
