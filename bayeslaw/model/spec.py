"""The specification of a model: law x pooling x levels x noise x discrepancy x priors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from bayeslaw.errors import SpecError
from bayeslaw.laws import Law, Parameter, get_law
from bayeslaw.model.priors import Priors, check_interval, is_number
from bayeslaw.runs.quantities import shown

POOLING = ("partial", "shared", "none")


@dataclass(frozen=True)
class Noise:
    """What scatters a run around its family's curve, on log loss.

    A run carries one effect (its seed), drawn once and shared by all its checkpoints; its
    checkpoints add an Ornstein-Uhlenbeck process in log tokens, so twenty checkpoints of one run
    are not twenty runs. A known ``loss_sd`` is error of the evaluation set, shared by the
    checkpoints of a run. With finite ``tails`` each run is multivariate Student-t, so one broken
    run does not bend the curve.

    Attributes
    ----------
    run : 90 % prior interval of the scale of the run effect, as a fraction of the loss. Of a
        Student-t this is not the s.d.: with 4 degrees of freedom that is 1.41 times larger.
    checkpoint : the same for the checkpoint process.
    tails : degrees of freedom of the Student-t; None for Gaussian noise.
    between : s.d. of the log noise level between families.
    length : e-folds of tokens over which the checkpoint process forgets.
    """

    run: tuple[float, float] = (0.0006, 0.0095)
    checkpoint: tuple[float, float] = (0.0003, 0.0050)
    tails: float | None = 4.0
    between: float = 0.5
    length: float = 1.0

    def __post_init__(self) -> None:
        check_interval("noise.run", self.run)
        check_interval("noise.checkpoint", self.checkpoint)
        if self.tails is not None and not (is_number(self.tails) and self.tails > 2):
            raise SpecError(
                f"noise.tails is {shown(self.tails)}; expected more than 2 degrees of freedom "
                "(a finite variance), or None for Gaussian noise."
            )
        for name, value in (("between", self.between), ("length", self.length)):
            if not (is_number(value) and value > 0):
                raise SpecError(
                    f"noise.{name} is {shown(value)}; expected a positive number, such as "
                    f"{getattr(Noise, name):g}."
                )


@dataclass(frozen=True)
class Discrepancy:
    """How far the true curve may wander from the law: a Gaussian process on log loss.

    Matern-3/2 over the logarithms of the law's inputs. Its scale is learned per family around
    a prior, never set to zero; its length is not identifiable from one ladder and is fixed.

    Attributes
    ----------
    scale : 90 % prior interval of its s.d., as a fraction of the loss.
    length : e-folds of each input over which it changes.
    rank : leading components kept; what they miss is treated as independent between runs.
    """

    scale: tuple[float, float] = (0.0132, 0.0683)
    length: float = 5.0
    rank: int = 12

    def __post_init__(self) -> None:
        check_interval("discrepancy.scale", self.scale)
        if not (is_number(self.length) and self.length > 0 and is_count(self.rank)):
            raise SpecError(
                f"discrepancy has length {shown(self.length)} and rank {shown(self.rank)}; "
                "expected a positive length and a whole rank of at least 1."
            )


@dataclass(frozen=True)
class Inflated:
    """Error that grows with distance: a curve that may drift from the law beyond the runs.

    The log loss drifts by kappa x log(extrapolation factor) x one standard normal per draw and
    family, where the factor is the target's compute over the largest compute of the family's
    runs. Within the runs the law is trusted, so nothing of the drift can be learned from them.

    Attributes
    ----------
    kappa : 90 % prior interval of its s.d., as a fraction of the loss per e-fold of compute.
    """

    kappa: tuple[float, float] = (0.0044, 0.0228)

    def __post_init__(self) -> None:
        check_interval("discrepancy.kappa", self.kappa)


@dataclass(frozen=True)
class Checkpoints:
    """Which checkpoints of a run are used.

    Early training follows another curve, and many checkpoints add little: the default keeps the
    last half of each run's tokens, at most five rows, spaced evenly in log tokens.
    """

    after: float = 0.5
    at_most: int = 5

    def __post_init__(self) -> None:
        if not (is_number(self.after) and 0 <= self.after < 1 and is_count(self.at_most)):
            raise SpecError(
                f"checkpoints keep {shown(self.at_most)} rows after share {shown(self.after)}; "
                "expected at least 1 row and a share of training from 0 up to (not including) 1."
            )


@dataclass(frozen=True)
class Spec:
    """Everything that defines a model except the data.

    Parameters
    ----------
    law : name of a law, or a declared :class:`~bayeslaw.laws.Law`.
    pool : ``"partial"`` (families share a population), ``"shared"`` (one value for all) or
        ``"none"``; one word for all parameters, or a mapping from parameter to word.
    labs : whether labs are a level between the population and the families.
    noise, checkpoints : see the classes.
    discrepancy : :class:`Discrepancy`, a Gaussian process; :class:`Inflated`, an error that grows
        with the distance to the runs; or None, which trusts the law.
    also : further laws to average with; :func:`bayeslaw.average` weighs them by forecasts.
    priors : 90 % intervals that replace declared ones, keyed by parameter, for the population's
        median; families scatter around it, and with ``pool="none"`` the interval is each
        family's own. Intervals of losses are in nats per token, of amplitudes at the reference
        point.

    Raises
    ------
    SpecError
        If a word, parameter or interval is not valid.

    Examples
    --------
    >>> spec = Spec("chinchilla", pool={"E": "none"}, priors={"alpha": (0.25, 0.40)})
    >>> spec.pooling("E"), spec.pooling("alpha")
    ('none', 'partial')
    """

    law: Law | str = "chinchilla"
    pool: str | Mapping[str, str] = "partial"
    labs: bool = True
    noise: Noise = field(default_factory=Noise)
    discrepancy: Discrepancy | Inflated | None = field(default_factory=Discrepancy)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    priors: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    beliefs: Priors | None = None
    also: tuple[Law | str, ...] = ()

    def __post_init__(self) -> None:
        also = (self.also,) if isinstance(self.also, str | Law) else self.also
        laws = [get_law(law) for law in (self.law, *also)]
        object.__setattr__(self, "law", laws[0])
        object.__setattr__(self, "also", tuple(laws[1:]))
        object.__setattr__(self, "priors", MappingProxyType(dict(self.priors)))
        if not isinstance(self.pool, str):
            object.__setattr__(self, "pool", MappingProxyType(dict(self.pool)))
            for name in self.pool:
                _require_parameter(laws, name)
        words = {"": self.pool} if isinstance(self.pool, str) else self.pool
        for name, word in words.items():
            if word not in POOLING:
                what = f"pooling of '{name}'" if name else "pooling"
                raise SpecError(f"{what} is {shown(word)}; expected one of {', '.join(POOLING)}.")
        if not isinstance(self.labs, bool):
            raise SpecError(f"labs is {shown(self.labs)}; expected True or False.")
        for name, interval in self.priors.items():
            _require_parameter(laws, name)
            check_interval(f"the prior of '{name}'", interval)
        _check_laws(laws)
        if self.beliefs is not None:
            _check_beliefs(laws, self.beliefs)

    @property
    def laws(self) -> tuple[Law, ...]:
        """The law, and those to average it with."""
        return (self.law, *self.also)  # type: ignore[return-value]

    @property
    def label(self) -> str:
        """The names of its laws."""
        return ", ".join(law.name for law in self.laws)

    def each(self) -> tuple[Spec, ...]:
        """Return the specification of each law by itself, with what is said of its parameters."""

        def own(law: Law) -> Spec:
            mine = law.parameter_names
            pool, known = self.pool, self.beliefs
            return replace(
                self,
                law=law,
                also=(),
                pool=pool if isinstance(pool, str) else {n: pool[n] for n in pool if n in mine},
                priors={n: v for n, v in self.priors.items() if n in mine},
                beliefs=known if known is not None and known.law == law.name else None,
            )

        return tuple(own(law) for law in self.laws)

    def with_priors(self, priors: Priors) -> Spec:
        """Return this specification with learned priors in force.

        Parameters
        ----------
        priors : of :func:`bayeslaw.load_priors`; they set the intervals of the parameters, how far
            families lie apart, the intervals of the noise levels and of the discrepancy's scale,
            and its length. What :attr:`priors` says
            of a parameter stays in force, and a model without discrepancy stays without.

        Returns
        -------
        Spec

        Raises
        ------
        SpecError
            If they were learned for another law.

        Examples
        --------
        >>> from bayeslaw.model.priors import load_priors
        >>> learned = load_priors("generic")
        >>> Spec().with_priors(learned).discrepancy.scale == learned.scale
        True
        """
        noise = self.noise
        return replace(
            self,
            beliefs=priors,
            noise=replace(
                noise,
                run=priors.run or noise.run,
                checkpoint=priors.checkpoint or noise.checkpoint,
            ),
            discrepancy=_learned(self.discrepancy, priors),
        )

    @property
    def process(self) -> Discrepancy | None:
        """The discrepancy if it is a process that the runs tell of, as engines see it."""
        return self.discrepancy if isinstance(self.discrepancy, Discrepancy) else None

    def pooling(self, name: str) -> str:
        """Return how one parameter is pooled."""
        return self.pool if isinstance(self.pool, str) else self.pool.get(name, "partial")

    def interval(self, parameter: Parameter) -> tuple[tuple[float, float], bool]:
        """Return the prior interval in force and whether it is in nats (not in anchor losses)."""
        if parameter.name in self.priors:
            return self.priors[parameter.name], parameter.in_loss_units
        if self.beliefs is not None:
            known = self.beliefs.trusting if self.process is None else self.beliefs.intervals
            return known[parameter.name], False
        if self.process is not None and parameter.effective is not None:
            return parameter.effective, False
        return (parameter.low, parameter.high), False

    def between(self, parameter: Parameter) -> float:
        """Return the typical s.d. of a log parameter between families: learned, or declared."""
        learned = {} if self.beliefs is None else self.beliefs.between
        return learned.get(parameter.name, parameter.between)

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain JSON values."""
        return {
            "law": self.law.name,  # type: ignore[union-attr]
            "also": [law.name for law in self.laws[1:]],
            "pool": self.pool if isinstance(self.pool, str) else dict(self.pool),
            "labs": self.labs,
            "noise": asdict(self.noise),
            "discrepancy": None if self.discrepancy is None else asdict(self.discrepancy),
            "checkpoints": asdict(self.checkpoints),
            "priors": {k: list(v) for k, v in self.priors.items()},
            "beliefs": None if self.beliefs is None else self.beliefs.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Spec:
        """Rebuild a spec from :meth:`to_dict`.

        Raises
        ------
        SpecError
            If something is missing, or is not what it should be.
        """

        def pairs(given: Mapping[str, Any]) -> dict[str, Any]:
            return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}

        try:
            beliefs = values.get("beliefs")
            return cls(
                law=values["law"],
                also=tuple(values.get("also", ())),
                pool=values["pool"],
                labs=values["labs"],
                noise=Noise(**pairs(values["noise"])),
                discrepancy=_read(values["discrepancy"], pairs),
                checkpoints=Checkpoints(**values["checkpoints"]),
                priors=pairs(values["priors"]),
                beliefs=None if beliefs is None else Priors.from_dict(beliefs),
            )
        except SpecError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise SpecError(
                f"a specification is incomplete ({type(error).__name__}: {error}); expected what "
                "Spec.to_dict returns."
            ) from error


def is_count(value: object) -> bool:
    """Whether a value is a whole number above zero."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _learned(found: Discrepancy | Inflated | None, priors: Priors) -> Discrepancy | Inflated | None:
    match found:
        case Discrepancy():
            return replace(found, scale=priors.scale, length=priors.length)
        case Inflated():
            return replace(found, kappa=priors.kappa or found.kappa)
        case None:
            return None


def _read(
    values: Mapping[str, Any] | None, pairs: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Discrepancy | Inflated | None:
    if values is None:
        return None
    return Inflated(**pairs(values)) if "kappa" in values else Discrepancy(**pairs(values))


def _require_parameter(laws: list[Law], name: str) -> None:
    if not any(name in law.parameter_names for law in laws):
        laws[0].parameter(name)  # says which it has


def _check_laws(laws: list[Law]) -> None:
    labels = [law.name for law in laws]
    if double := [name for name in labels if labels.count(name) > 1]:
        raise SpecError(
            f"law '{double[0]}' is to be averaged with itself; expected each law once. Name "
            "another, or leave it out."
        )


def _check_beliefs(laws: list[Law], beliefs: Priors) -> None:
    found = {law.name: law for law in laws}
    law = found.get(beliefs.law)
    if law is None:
        raise SpecError(
            f"the priors were learned for law '{beliefs.law}' and the spec has "
            f"'{laws[0].name}'; expected one law. Learn them for it: bayeslaw priors learn "
            f"--law {laws[0].name}."
        )
    if set(beliefs.intervals) != set(law.parameter_names):
        raise SpecError(
            f"the learned priors are of {', '.join(beliefs.intervals)}; expected those of "
            f"{', '.join(law.parameter_names)}. Learn them again: bayeslaw priors learn."
        )
