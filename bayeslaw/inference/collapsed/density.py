"""The collapsed posterior density in coordinates that NUTS can walk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw.inference.collapsed.eliminate import eliminated
from bayeslaw.inference.collapsed.linear import Linearised, Parts, parts_of
from bayeslaw.inference.quadrature.evidence import MIDDLE, WIDTH
from bayeslaw.inference.rows import noise_levels, positions
from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.layout import APART, CAP, Layout, profiled
from bayeslaw.model.spec import Spec

_FARTHEST = 40.0
# A lab of this many families is as well known from them as from the other labs.
_HALF_CENTRED = 3.0


@dataclass(frozen=True)
class State:
    """Everything named at one point, and what the gradient needs of it.

    Attributes
    ----------
    centre, spread : what each family's log parameters scatter around, shapes (families,
        parameters) and (parameters,).
    log_known : log of the known parameters in their units, shape (families, known).
    log_noise, log_scale : log noise levels (families, levels) and discrepancy scale (families,).
    log_weight : log precision factor of each run.
    population : named quantities of the population, empty for one family.
    """

    centre: np.ndarray
    spread: np.ndarray
    log_known: np.ndarray
    log_noise: np.ndarray
    log_scale: np.ndarray
    log_weight: np.ndarray
    population: dict[str, np.ndarray]


@dataclass(frozen=True)
class Collapsed:
    """The density of exponents, noise, discrepancy scale and population, all else integrated out.

    Amplitudes are normal with the mean and s.d. of their log-normal prior.
    """

    spec: Spec
    layout: Layout

    @cached_property
    def law(self) -> Law:
        """The law."""
        return self.spec.law  # type: ignore[return-value]

    @cached_property
    def parts(self) -> Parts:
        """Which parameters are known and which are integrated out."""
        return parts_of(self.law, self.layout)

    @cached_property
    def alone(self) -> bool:
        """Whether there is one family, whose population is integrated out."""
        return len(self.layout.families) == 1

    @cached_property
    def has_labs(self) -> bool:
        """Whether labs are a level."""
        return self.spec.labs and self.layout.has_labs

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Coordinates by name, in order."""
        families, k = len(self.layout.families), len(self.law.parameters)
        levels = len(self.levels)
        out: dict[str, tuple[int, ...]] = {}
        if not self.alone:
            out |= {"population": (k,), "between": (k,)}
            if self.has_labs:
                out |= {"across": (k,), "lab": (len(self.layout.labs), k)}
            out["levels"] = (levels,)
        out["exponents"] = (families, len(self.exponents))
        out["noise"] = (families, levels)
        if self.spec.process is not None:
            out["scale"] = (families,)
        if self.spec.noise.tails is not None:
            out["weight"] = (len(self.layout.runs),)
        return out

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each lies."""
        ends = np.cumsum([0, *(int(np.prod(s)) for s in self.shapes.values())])
        return {
            n: slice(int(a), int(b)) for n, a, b in zip(self.shapes, ends, ends[1:], strict=False)
        }

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return max(s.stop for s in self.slices.values())

    @cached_property
    def place(self) -> dict[str, int]:
        """Place of each parameter in the law."""
        return {n: i for i, n in enumerate(self.law.parameter_names)}

    @cached_property
    def exponents(self) -> list[int]:
        """Places of the parameters sampled for each family."""
        return [self.place[n] for n in self.law.nonlinear if n not in self.layout.shared]

    @cached_property
    def amplitudes(self) -> list[int]:
        """Places of the parameters integrated out."""
        return [self.place[n] for n in self.parts.free]

    @cached_property
    def levels(self) -> np.ndarray:
        """Prior location and s.d. of the log noise levels, shape (levels, 2)."""
        return np.array([prior_location(*i) for _, i in noise_levels(self.spec, self.layout)])

    @cached_property
    def prior(self) -> dict[str, np.ndarray]:
        """Prior of the parameters: location, s.d., typical spread, and how each is pooled."""
        priors = [self.layout.priors[n] for n in self.law.parameter_names]
        words = [self.spec.pooling(n) for n in self.law.parameter_names]
        return {
            "location": np.array([p.location for p in priors]),
            "wide": np.array([p.spread for p in priors]),
            "typical": np.array([p.between for p in priors]),
            "partial": np.array([w == "partial" for w in words]),
            "none": np.array([w == "none" for w in words]),
        }

    @cached_property
    def centred(self) -> dict[str, np.ndarray]:
        """By how much labs, exponents and noise are centred on what is above them."""
        layout = self.layout
        families = np.bincount(layout.lab_of_family)
        runs = np.bincount(layout.family_of_run).astype(float)
        rows = np.bincount(layout.family_of_row)
        told = profiled(layout.information, self.exponents, self.prior["wide"])
        own = np.diagonal(told, axis1=1, axis2=2)
        if self.alone:
            return {"exponents": np.zeros_like(own), "noise": np.zeros((1, len(self.levels)))}
        counts = np.stack([runs, rows - runs], axis=1)[:, : len(self.levels)]
        above = self.spec.noise.between**-2.0
        return {
            "lab": (families / (families + _HALF_CENTRED))[:, None] * np.ones(len(self.place)),
            "exponents": own / (own + self.prior["typical"][self.exponents] ** -2.0),
            "noise": counts / (counts + above),
        }

    @cached_property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """Rows as the elimination takes them."""
        layout = self.layout
        count = np.arange(len(layout.families) + 1)
        starts = np.searchsorted(layout.run_of_row, np.arange(len(layout.runs) + 1))
        ranks = np.array([f.rank for f in layout.features] or [0] * len(layout.families))
        return (
            np.searchsorted(layout.family_of_row, count),
            np.searchsorted(layout.family_of_run, count),
            starts,
            np.ascontiguousarray(layout.phi),
            ranks,
            layout.remainder,
            layout.loss_sd,
            positions(layout),
        )

    def coordinates(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Part coordinates by name."""
        return {n: x[self.slices[n]].reshape(s) for n, s in self.shapes.items()}

    def state(self, x: np.ndarray) -> State:
        """Turn coordinates into named quantities."""
        at, prior = self.coordinates(x), self.prior
        families = len(self.layout.families)
        population: dict[str, np.ndarray] = {}
        if self.alone:
            spread = np.hypot(prior["wide"], np.where(prior["partial"], prior["typical"], 0.0))
            centre = prior["location"] * np.ones((1, 1))
            levels, noise_spread = self.levels[:, 0], self.levels[:, 1]
        else:
            population = self._population(at)
            above = population["log_population"] * np.ones((families, 1))
            if self.has_labs:
                lab = population["log_lab"][self.layout.lab_of_family]
                above = np.where(prior["partial"], lab, above)
            centre = np.where(prior["none"], prior["location"], above)
            spread = np.where(prior["none"], prior["wide"], population["between"])
            levels = population["levels"]
            noise_spread = np.full(len(levels), self.spec.noise.between)
        own = _spread_out(
            at["exponents"], centre[:, self.exponents] - prior["location"][self.exponents],
            spread[self.exponents], self.centred["exponents"],
        )  # fmt: skip
        whole = centre.copy()
        whole[:, self.exponents] = own + prior["location"][self.exponents]
        known = [self.place[n] for n in self.parts.known]
        noise = _spread_out(
            at["noise"], levels - self.levels[:, 0], noise_spread, self.centred["noise"]
        )
        log_scale = np.full(families, -np.inf)
        if self.spec.process is not None:
            middle, width = prior_location(*self.spec.process.scale)
            log_scale = middle + width * at["scale"]
        weight = at.get("weight", np.zeros(len(self.layout.runs)))
        return State(
            centre, spread, whole[:, known], noise + self.levels[:, 0], log_scale, weight,
            population,
        )  # fmt: skip

    def linearised(self, state: State) -> Linearised:
        """Return the law at a state as a linear function of the amplitudes."""
        return self.parts.at(self.layout, state.log_known)

    def amplitude_prior(self, state: State) -> tuple[np.ndarray, ...]:
        """Return mean and variance of the normal that stands for each amplitude's log-normal.

        Where families share a population they lie near its median, and there the normal has the
        log-normal's slope and curvature (to second order in the squared spread); a broad prior
        of one family alone is met in its moments instead.

        Returns
        -------
        Mean and variance, and their derivatives in the log spread, all of shape (families,
        amplitudes). The derivative in the log median is the mean itself and twice the variance.
        """
        square = state.spread[self.amplitudes] ** 2
        median = np.exp(state.centre[:, self.amplitudes])
        pooled = np.full(len(square), not self.alone) & ~self.prior["none"][self.amplitudes]
        bent = square + square**2
        grow = np.exp(np.where(pooled, 0.0, square / 2))
        mean = median * np.where(pooled, 1.0 - bent, grow)
        mean_by = median * np.where(pooled, -2 * square * (1 + 2 * square), square * grow)
        wide = np.expm1(np.where(pooled, 0.0, square))
        variance = median**2 * np.where(pooled, bent, grow**2 * wide)
        narrow_by = 2 * square * (1 + 2 * square)
        broad_by = 2 * square * grow**2 * (2 * wide + 1)
        return mean, variance, mean_by, median**2 * np.where(pooled, narrow_by, broad_by)

    def _population(self, at: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        prior = self.prior
        out = {"log_population": prior["location"] + prior["wide"] * at["population"]}
        out["between"] = prior["typical"] * np.exp(MIDDLE + WIDTH * at["between"])
        if self.has_labs:
            out["across"] = 2 * prior["typical"] * np.exp(MIDDLE + WIDTH * at["across"])
            off = prior["wide"] * at["population"]
            raw = _spread_out(at["lab"], off, out["across"], self.centred["lab"])
            out["log_lab"] = prior["location"] + raw
        out["levels"] = self.levels[:, 0] + self.levels[:, 1] * at["levels"]
        return out

    def log_density(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient at coordinates, shape (size,)."""
        if not np.all(np.abs(x) < _FARTHEST):
            return -np.inf, np.zeros_like(x)
        at, prior, state = self.coordinates(x), self.prior, self.state(x)
        bar = np.zeros_like(x)
        bars = self.coordinates(bar)
        families, k = state.centre.shape
        line = self.linearised(state)
        mean, variance, mean_by, variance_by = self.amplitude_prior(state)
        noise = np.exp(state.log_noise)
        checkpoint = noise[:, 1] if noise.shape[1] > 1 else np.zeros(families)
        scale, weight = np.exp(state.log_scale), np.exp(state.log_weight)
        columns_bar, target_bar = np.empty_like(line.columns), np.empty_like(line.target)
        levels_bar, weight_bar = np.empty((families, 3)), np.empty_like(weight)
        mean_bar, variance_bar = np.empty_like(mean), np.empty_like(mean)
        rows_of, runs_of, starts, phi, ranks, remainder, loss_sd, position = self.arrays
        value = eliminated(
            rows_of, runs_of, starts, line.columns, line.target, phi, ranks, remainder, loss_sd,
            position, noise[:, 0].copy(), checkpoint.copy(), scale, weight, mean, variance,
            columns_bar, target_bar, levels_bar, weight_bar, mean_bar, variance_bar,
        )  # fmt: skip

        by_row = (line.columns_by * columns_bar).sum(2) + line.target_by * target_bar
        known_bar = np.add.reduceat(by_row, rows_of[:-1], axis=1).T
        centre_bar, log_spread_bar = np.zeros((families, k)), np.zeros(k)
        centre_bar[:, self.amplitudes] = mean_bar * mean + 2 * variance_bar * variance
        log_spread_bar[self.amplitudes] = (mean_bar * mean_by + variance_bar * variance_by).sum(0)
        own_bar = np.zeros((families, len(self.exponents)))
        for j, n in enumerate(self.parts.known):
            i = self.place[n]
            if i in self.exponents:
                own_bar[:, self.exponents.index(i)] = known_bar[:, j]
            else:
                centre_bar[:, i] += known_bar[:, j]

        add, bars["exponents"][:], up, stretch = _scatter_gradient(
            at["exponents"], state.centre[:, self.exponents] - prior["location"][self.exponents],
            state.spread[self.exponents], self.centred["exponents"], own_bar,
        )  # fmt: skip
        value += add
        centre_bar[:, self.exponents] += up
        log_spread_bar[self.exponents] += stretch.sum(0)

        noise_bar = levels_bar[:, : noise.shape[1]].copy()
        tail, tail_bar = self._noise_tails(noise)
        value += tail
        levels = state.population.get("levels", self.levels[:, 0])
        noise_spread = (
            self.levels[:, 1] if self.alone else np.full(len(levels), self.spec.noise.between)
        )
        add, bars["noise"][:], up_noise, _ = _scatter_gradient(
            at["noise"], levels - self.levels[:, 0], noise_spread, self.centred["noise"],
            noise_bar + tail_bar,
        )  # fmt: skip
        value += add
        if self.spec.process is not None:
            ratio = (scale / (CAP * self.spec.process.scale[1])) ** 2
            value -= 0.5 * float((at["scale"] ** 2 + ratio).sum())
            width = prior_location(*self.spec.process.scale)[1]
            bars["scale"][:] = width * (levels_bar[:, 2] - ratio) - at["scale"]
        if self.spec.noise.tails is not None:
            half = self.spec.noise.tails / 2
            value += half * float((state.log_weight - weight).sum())
            bars["weight"][:] = weight_bar + half * (1.0 - weight)
        if not self.alone:
            value += self._up(at, bars, state, centre_bar, log_spread_bar, up_noise)
        return float(value), bar

    def _up(
        self,
        at: dict[str, np.ndarray],
        bars: dict[str, np.ndarray],
        state: State,
        centre_bar: np.ndarray,
        log_spread_bar: np.ndarray,
        noise_bar: np.ndarray,
    ) -> float:
        """Pass gradients from families to the population; return the population's log prior."""
        prior, pop = self.prior, state.population
        value = -0.5 * sum(float((at[n] ** 2).sum()) for n in ("population", "between", "levels"))
        centre_bar = np.where(prior["none"], 0.0, centre_bar)
        log_spread_bar = np.where(prior["none"], 0.0, log_spread_bar)
        tail, tail_bar = _tail(pop["between"], prior["typical"])
        value += tail
        bars["between"][:] = WIDTH * (log_spread_bar + tail_bar) - at["between"]
        bars["levels"][:] = self.levels[:, 1] * noise_bar.sum(0) - at["levels"]
        to_population = centre_bar.sum(0)
        if self.has_labs:
            to_population = np.where(prior["partial"], 0.0, to_population)
            labs_bar = np.zeros_like(at["lab"])
            np.add.at(
                labs_bar, self.layout.lab_of_family, np.where(prior["partial"], centre_bar, 0)
            )
            off = prior["wide"] * at["population"]
            add, bars["lab"][:], up, stretch = _scatter_gradient(
                at["lab"], off, pop["across"], self.centred["lab"], labs_bar
            )
            tail, tail_bar = _tail(pop["across"], 2 * prior["typical"])
            value += add + tail - 0.5 * float((at["across"] ** 2).sum())
            bars["across"][:] = WIDTH * (stretch.sum(0) + tail_bar) - at["across"]
            to_population = to_population + up.sum(0)
        bars["population"][:] = prior["wide"] * to_population - at["population"]
        return value

    def _noise_tails(self, noise: np.ndarray) -> tuple[float, np.ndarray]:
        upper = np.array([i[1] for _, i in noise_levels(self.spec, self.layout)])
        ratio = (noise / (CAP * upper)) ** 2
        return -0.5 * float(ratio.sum()), -ratio


def _spread_out(
    x: np.ndarray, above: np.ndarray, spread: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Turn coordinates into values around what is above: share one is centred, zero is not."""
    return above + spread ** (1 - share) * (x - share * above)


def _scatter_gradient(
    x: np.ndarray, above: np.ndarray, spread: np.ndarray, share: np.ndarray, bar: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return the log prior of coordinates, and gradients of it plus what values pass down.

    Gradients are in the coordinates, in what is above, and in the log spread.
    """
    narrow = spread**-share
    stretch = spread * narrow
    off = x - share * above
    unit = off * narrow
    value = -0.5 * float((unit**2).sum()) - float((share * np.log(spread)).sum())
    up = bar * (1 - share * stretch) + unit * share * narrow
    widen = share * (unit**2 - 1) + bar * (1 - share) * stretch * off
    return value, bar * stretch - unit * narrow, up, widen


def _tail(spread: np.ndarray, typical: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the light upper tail of spreads and its gradient in their logarithms."""
    square = (spread / (CAP * APART[1] * typical)) ** 2
    return -0.5 * float(square.sum()), -square
