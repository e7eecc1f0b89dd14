"""Which engine serves a model, and why."""

from __future__ import annotations

from dataclasses import replace

from bayeslaw.errors import SpecError
from bayeslaw.inference.drawn import Drawn, Engine, Settings
from bayeslaw.inference.population import with_population
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec

ENGINES = ("auto", "quadrature", "collapsed", "pymc", "jax")
_OF_THE_GRAPH = ("pymc", "jax")
# Lattices thin out in more dimensions: exponents, noise levels and the discrepancy's scale.
_MOST_DIMENSIONS = 8
# With heavy tails every run is a coordinate of the collapsed chain; beyond so many neither it nor
# the graph ends in reasonable time, and quadrature's own verdict stands.
_MOST_RUNS = 5000


def candidates(spec: Spec, layout: Layout, engine: str) -> list[tuple[str, str]]:
    """Return the engines to try, in order, and why each.

    Parameters
    ----------
    engine : one of :data:`ENGINES`; any but ``"auto"`` is tried alone.

    Raises
    ------
    SpecError
        If quadrature is asked for and families cannot be worked on one by one.
    """
    why_not = unfit_for_quadrature(spec, layout)
    if engine == "quadrature" and why_not:
        raise SpecError(
            f"engine 'quadrature' cannot serve this model: {why_not}. Use engine 'collapsed' or "
            "'pymc', or pool it partially."
        )
    if engine != "auto":
        return [(engine, f"{engine} was asked for")]
    count = len(layout.families)
    out = []
    if not why_not:
        what = "one family" if count == 1 else f"{count} families that meet only in the population"
        out.append(("quadrature", f"quadrature serves {what}"))
    if len(layout.runs) <= _MOST_RUNS:
        out.append(
            ("collapsed", "collapsed integrates the discrepancy out of one chain for all families")
        )
    if not out or len(layout.runs) <= _MOST_RUNS:
        out.append(("pymc", "pymc serves every law, noise and prior"))
    if why_not:
        out[0] = (out[0][0], f"{why_not}; {out[0][1]}")
    return out


def unfit_for_quadrature(spec: Spec, layout: Layout) -> str:
    """Return why families cannot be worked on one by one, or nothing."""
    law: Law = spec.law  # type: ignore[assignment]
    if layout.shared:
        return f"quadrature takes families one by one, and {', '.join(layout.shared)} is shared"
    dimensions = len(law.nonlinear) + 1 + layout.has_checkpoints + (spec.process is not None)
    if dimensions > _MOST_DIMENSIONS:
        return f"{dimensions} dimensions are too many for a lattice"
    return ""


def engine_of(name: str, spec: Spec, layout: Layout) -> Engine:
    """Return an engine for one model; a second call does not compile again."""
    if name == "quadrature":
        from bayeslaw.inference.quadrature.engine import quadrature

        return lambda settings: quadrature(spec, layout, settings)
    if name == "collapsed":
        from bayeslaw.inference.collapsed.engine import collapsed

        return lambda settings: collapsed(spec, layout, settings)
    if name == "jax":
        from bayeslaw.inference.vectorised import sample_vectorised
        from bayeslaw.model.build import build_model

        model = build_model(spec, layout)
        return lambda settings: sample_vectorised(model, settings)
    return _pymc(spec, layout)


def default_length(name: str, layout: Layout) -> tuple[int, int]:
    """Return draws and tuning steps per chain."""
    if name in _OF_THE_GRAPH:
        return 1500, 800
    if name == "collapsed":
        return 1200, 600
    if len(layout.families) == 1:
        return 1000, 0
    # Draws are independent, and those of thousands of families are many numbers.
    count = len(layout.families)
    return 600 if count <= 100 else 400 if count <= 400 else 250, 0


def default_accept(name: str) -> float:
    """Return the NUTS acceptance.

    One chain for all families has some coordinate that is hardly known, and steps must be short
    enough for its far ends.
    """
    return 0.95 if name == "collapsed" else 0.9


def _pymc(spec: Spec, layout: Layout) -> Engine:
    from bayeslaw.inference.nuts import sample
    from bayeslaw.model.build import build_model

    model = build_model(spec, layout)
    compiled = None

    def run(settings: Settings) -> Drawn:
        nonlocal compiled
        posterior, stats, seconds, compiled = sample(model, compiled=compiled, **settings.of_chains)
        likelihood = posterior[["run_log_likelihood"]].rename(run_log_likelihood="loss")
        return Drawn(posterior, stats, likelihood, seconds)

    return run


def tidied(spec: Spec, layout: Layout, drawn: Drawn, seed: int) -> Drawn:
    """Keep what a reader uses, in a fixed order whatever the engine."""
    law: Law = spec.law  # type: ignore[assignment]
    posterior = with_population(spec, layout, drawn.posterior, seed)
    kept = [
        *law.parameter_names, "run_sd", "checkpoint_sd", "discrepancy_sd", "wander",
        "population", "log_population", "between", "across", "log_lab",
        "log_typical_run_sd", "log_typical_checkpoint_sd",
    ]  # fmt: skip
    return replace(drawn, posterior=posterior[[n for n in kept if n in posterior]])
