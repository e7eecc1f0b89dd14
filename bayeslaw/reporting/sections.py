"""What a report says, section by section, as plain values before any markup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayeslaw.design import Decision
from bayeslaw.inference import Fit
from bayeslaw.plots import calibration, curves, to_svg
from bayeslaw.prediction import Forecast, Target
from bayeslaw.scoring import CalibrationCard, Scorecard

_MOST_ROWS = 60
_SHARES = {"50 %", "80 %", "90 %", "95 %", "CRPS", "bias"}
_FRACTIONS = {"sd", "width90", "sd_error", "regret"}


@dataclass(frozen=True)
class Block:
    """A piece of a section: ``text``, ``list``, ``table``, ``code`` or ``picture`` (SVG)."""

    kind: str
    value: Any


@dataclass(frozen=True)
class Table:
    """Cells as text, and how many rows were left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Results:
    """What a report is made of; several of one kind keep their order."""

    fits: tuple[Fit, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    cards: tuple[Scorecard, ...] = ()
    decisions: tuple[Decision, ...] = ()
    held: tuple[CalibrationCard, ...] = ()


def answer(results: Results) -> str:
    """Return the answer in one sentence, with its 90 % interval where there is one."""
    if results.forecasts:
        r = results.forecasts[0].records()[0]
        low, high = r["intervals"]["90"]
        return (
            f"{'A run' if r['kind'] == 'run' else 'The curve'} of {r['family']} at "
            f"{quantity(r['params'])} parameters and {quantity(r['tokens'])} tokens is forecast at "
            f"{r['median']:.3f} nats per token (90 % interval {low:.3f} to {high:.3f})."
        )
    if results.decisions:
        d = results.decisions[0]
        return (
            f"Buy the plan '{d.recommended.plan.name}': the forecast of {d.target.family} is "
            f"expected to narrow from a 90 % width of {d.to_dict()['now']['width90']:.2%} to "
            f"{3.29 * d.recommended.sd:.2%}."
        )
    if results.cards:
        s = results.cards[0].summary
        low, high = results.cards[0].coverage_bounds["90"]
        return (
            f"Hidden runs were forecast with an error of {s['mean_are']:.2%}; 90 % intervals held "
            f"{s['coverage']['90']:.0%} of the time ({low:.0%} to {high:.0%} given the families)."
        )
    fit = results.fits[0]
    return f"{fit.law.name} fitted to {fit.runs.n_runs} runs of {len(fit.families)} families."


def alarms(results: Results) -> list[str]:
    """Return what a reader must know before anything else."""
    out = [
        "This fit is not trustworthy; its numbers are shown for inspection only. "
        + " ".join(str(f) for f in fit.health.failures)
        for fit in results.fits
        if not fit.health.ok
    ]
    out += [
        "The back-test's refit failed its health gate; do not rely on the card."
        for card in results.cards
        if card.health is not None and not card.health.ok
    ]
    notes = [n for f in results.forecasts for group in f.notes for n in group]
    return list(dict.fromkeys(out + notes))


def sections(results: Results) -> Iterator[Section]:
    """Yield the sections that the results can fill, in reading order."""
    fit = results.fits[0] if results.fits else None
    for forecast in results.forecasts:
        yield Section("Forecast", (Block("table", _forecast_table(forecast)),))
        picture = to_svg(curves(forecast, fit=fit), "loss against training compute with forecast")
        yield Section("Picture", (Block("picture", picture),))
    for held in results.held:
        blocks = [Block("list", held.lines)]
        if held.evidence:
            blocks.insert(0, Block("table", as_table(_held(held), percent=_SHARES)))
        yield Section("How often intervals like these have held", tuple(blocks))
    for card in results.cards:
        lines = card.text.splitlines()
        yield Section(
            "How far to trust it",
            (
                Block("list", lines),
                Block("picture", to_svg(calibration(card), "nominal and realised coverage")),
                Block("table", _card_table(card)),
            ),
        )
    for decision in results.decisions:
        lines = decision.text.splitlines()
        table = as_table(decision.table.rename(columns={"cost": "cost (FLOP)"}), percent=_FRACTIONS)
        yield Section("Recommendation", (Block("list", lines), Block("table", table)))
    for fit in results.fits:
        yield from _fit_sections(fit)
    yield Section("How to reproduce", (Block("code", reproduce(results)),))


def _fit_sections(fit: Fit) -> Iterator[Section]:
    runs = fit.runs
    facts = [
        f"{len(runs)} rows, {runs.n_runs} runs and {len(runs.families)} families from "
        f"{runs.source}; SHA-256 {runs.digest}.",
        *runs.notes,
        *fit.health.warnings,
    ]
    yield Section("Data and warnings", (Block("list", facts),))
    state = "The health gate passed." if fit.health.ok else "The health gate FAILED."
    figures = ", ".join(f"{name} {value:.4g}" for name, value in fit.health.figures)
    times = ", ".join(f"{name} {value:.1f} s" for name, value in fit.seconds.items())
    checks = [f"{state} {figures}.", *(str(f) for f in fit.health.failures)]
    checks += [f"Engine {fit.engine}: {fit.reason}.", f"Time: {times}."]
    yield Section("Diagnostics", (Block("list", checks), Block("table", as_table(fit.table))))
    spec = json.dumps(fit.spec.to_dict(), indent=2)
    yield Section("Specification", (Block("code", spec),))
    versions = ", ".join(f"{name} {value}" for name, value in fit.versions.items())
    yield Section("Seed and versions", (Block("text", f"Seed {fit.seed}. Made with {versions}."),))


def reproduce(results: Results) -> str:
    """Return the Python that makes the results again, names quoted as literals."""
    lines = ["import bayeslaw as bl", ""]
    for fit in results.fits[:1]:
        sizes = fit.posterior.sizes
        lines += [
            f"runs = bl.load_runs({fit.runs.source!r})"
            if fit.runs.source != "DataFrame"
            else "runs = bl.load_runs(...)  # the DataFrame",
            f"assert runs.digest == {fit.runs.digest!r}",
            f"spec = bl.Spec.from_dict({fit.spec.to_dict()!r})",
            f"fit = bl.fit(runs, spec, seed={fit.seed}, chains={sizes['chain']})"
            f"  # kept {sizes['draw']} draws per chain",
        ]
    for forecast in results.forecasts:
        targets = ",\n    ".join(_source(t) for t in forecast.targets[:_MOST_ROWS])
        lines.append(f"forecast = bl.forecast(fit, [\n    {targets},\n])")
    for card in results.cards:
        if card.seed is not None:
            lines.append(
                f"card = bl.backtest(runs, holdout={card.holdout!r}, spec=spec, "
                f"seed={card.seed}, score={card.scored!r})"
            )
    for decision in results.decisions:
        plans = ",\n    ".join(
            f"bl.Plan({v.plan.name!r}, pd.DataFrame({v.plan.records()!r}))" for v in decision.values
        )
        if "import pandas as pd" not in lines:
            lines.insert(1, "import pandas as pd")
        lines.append(
            f"choice = bl.decide(fit, plans=[\n    {plans},\n], "
            f"target={_source(decision.target)}, seed={decision.seed})"
        )
    return "\n".join(lines)


def quantity(value: float) -> str:
    """Return a count as people write it.

    Examples
    --------
    >>> quantity(7e10), quantity(1.4e12), quantity(1e21)
    ('70 B', '1.4 T', '1e+21')
    """
    for size, suffix in ((1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " K")):
        if size <= value < 1e15:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def as_table(frame: pd.DataFrame, percent: set[str] | None = None) -> Table:
    """Return a table of text cells, cut to a readable length.

    Parameters
    ----------
    frame : any table.
    percent : columns of fractions to be written in per cent.
    """
    shown = frame.head(_MOST_ROWS)
    rows = [
        tuple(_cell(v, c in (percent or ())) for c, v in zip(frame.columns, row, strict=True))
        for row in shown.itertuples(index=False, name=None)
    ]
    return Table(tuple(map(str, frame.columns)), tuple(rows), len(frame) - len(shown))


def _forecast_table(forecast: Forecast) -> Table:
    t = forecast.table
    shown = pd.DataFrame(
        {
            "family": t["family"].where(t["known_family"], t["family"] + " (new)"),
            "params": t["params"].map(quantity),
            "tokens": t["tokens"].map(quantity),
            "kind": t["kind"],
            "median": t["median"].map("{:.3f}".format),
            "s.d.": t["sd"].map("{:.3f}".format),
            "50 % interval": _interval(t, "50"),
            "90 % interval": _interval(t, "90"),
            "times largest compute": t["extrapolation_factor"].map("{:.3g}".format),
        }
    )
    return as_table(shown)


def _card_table(card: Scorecard) -> Table:
    t = card.table
    shown = pd.DataFrame(
        {
            "family": t["family"],
            "params": t["params"].map(quantity),
            "tokens": t["tokens"].map(quantity),
            "observed": t["observed"].map("{:.3f}".format),
            "median": t["median"].map("{:.3f}".format),
            "90 % interval": _interval(t, "90"),
            "CRPS": t["crps"].map("{:.2%}".format),
            "PIT": t["pit"].map("{:.2f}".format),
            "times largest compute": t["extrapolation_factor"].map("{:.3g}".format),
        }
    )
    for name in card.summary["baselines"]:
        shown[name] = t[name].map("{:.3f}".format)
    return as_table(shown)


def _held(card: CalibrationCard) -> pd.DataFrame:
    t = card.table
    held = {f"{level} %": t[f"held{level}"] for level in ("50", "80", "90", "95")}
    columns = {
        "in": t["where"],
        "beyond": t["beyond"],
        **held,
        "CRPS": t["crps"],
        "bias": t["bias"],
    }
    return pd.DataFrame(columns | {"families": t["n_families"], "labs": t["n_labs"]})


def _interval(table: pd.DataFrame, level: str) -> list[str]:
    ends = zip(table[f"low{level}"], table[f"high{level}"], strict=True)
    return [f"{low:.3f} to {high:.3f}" for low, high in ends]


def _cell(value: Any, fraction: bool) -> str:
    if isinstance(value, float):
        return f"{value:.2%}" if fraction else f"{value:.4g}"
    return str(value)


def _source(target: Target) -> str:
    extra = "" if target.flops == 6.0 * target.params * target.tokens else f", flops={target.flops}"
    return (
        f"bl.Target(params={target.params!r}, tokens={target.tokens!r}, "
        f"family={target.family!r}{extra}, kind={target.kind!r})"
    )
