"""What a report says, section by section, as plain values before any markup."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bayeslaw.inference import Fit
from bayeslaw.plots import calibration, curves, to_svg
from bayeslaw.plots.interactive import interactive, shown_name, step_text, to_data
from bayeslaw.plots.walks import BEYOND, INTERVALS, Walk, walk
from bayeslaw.prediction import Forecast
from bayeslaw.reporting import tables
from bayeslaw.reporting.recipe import commands, script
from bayeslaw.reporting.results import Results
from bayeslaw.runs.quantities import quantity
from bayeslaw.scoring import CalibrationCard, Scorecard

_MOST_WALKS = 12


@dataclass(frozen=True)
class Block:
    """A piece of a section.

    ``text``, ``list``, ``table``, ``code``, ``folded`` code, ``picture`` or ``chart``.
    """

    kind: str
    value: Any


@dataclass(frozen=True)
class Picture:
    """A drawing as SVG, and what it shows."""

    svg: str
    title: str


@dataclass(frozen=True)
class Chart:
    """A picture, and beside it what a browser needs to draw it so that it can be moved.

    Attributes
    ----------
    still : the picture for print, and where no script runs.
    figure : ``data`` and ``layout`` for plotly.js.
    walks : what the slider moves, by target; none without a fit.
    path : on which way the slider walks, in words.
    """

    still: Picture
    figure: dict[str, Any]
    walks: tuple[dict[str, Any], ...]
    path: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


def sections(results: Results) -> Iterator[Section]:
    """Yield the sections that the results can fill, in reading order."""
    fit = results.fits[0] if results.fits else None
    for forecast in results.forecasts:
        table = Block("table", tables.forecast_table(forecast))
        yield Section("Forecast", (Block("chart", _chart(forecast, fit)), table))
    for choice in results.decisions:
        # Plans are in the table.
        lines = [line for line in choice.text.splitlines() if not line.startswith("  ")]
        blocks = (Block("list", lines), Block("table", tables.plan_table(choice)))
        yield Section("Recommendation", blocks)
    if made := results.allocations:
        lines = [line for a in made for line in a.text.splitlines()]
        blocks = (Block("table", tables.allocation_table(made)), Block("list", lines))
        yield Section("Allocation", blocks)
    for comparison in results.comparisons:
        lines = [line for p in comparison.pairs for line in (p.verdict, p.baseline)]
        blocks = (Block("table", tables.comparison_table(comparison)), Block("list", lines))
        yield Section("Comparison", blocks)
    for held in results.held:
        yield Section("How often intervals like these have held", tuple(_held(held)))
    for card in results.cards:
        yield Section("How far to trust it", _trust(card))
    for fit in results.fits:
        yield from _fit_sections(fit)
    blocks = [Block("code", script(results))]
    if lines := commands(results):
        blocks += [Block("text", "The same from the command line, once the fit is stored:"),
                   Block("code", lines)]  # fmt: skip
    yield Section("How to reproduce", tuple(blocks))


def _chart(forecast: Forecast, fit: Fit | None) -> Chart:
    title = "Loss against training compute, with the forecast"
    still = Picture(to_svg(curves(forecast, fit=fit), title), title)
    places = range(min(len(forecast.targets), _MOST_WALKS))
    walks = [] if fit is None else [walk(fit, forecast, i) for i in places]
    figure = interactive(forecast, None if fit is None else fit.runs, walks=walks)
    return Chart(still, to_data(figure), tuple(map(_steps, walks)), _path(walks, fit))


def _steps(walk: Walk) -> dict[str, Any]:
    """Return what the page needs of a walk: the numbers and the words of each step."""
    t = walk.target
    at = f"{quantity(t.params)} parameters, {quantity(t.tokens)} tokens"
    return {
        "label": f"{t.family} ({at})",
        "name": shown_name(t),
        "start": walk.start,
        "flops": walk.flops.tolist(),
        **{column: walk.table[column].tolist() for column in INTERVALS},
        "text": [step_text(walk, i) for i in range(len(walk.steps))],
    }


def _path(walks: Sequence[Walk], fit: Fit | None) -> str:
    if not walks or fit is None:
        return ""
    others = sorted(walks[0].target.inputs)
    held = f" {', '.join(others)} stay as the target has them." if others else ""
    left = len(walks) == _MOST_WALKS
    return (
        "The slider changes the target's training compute from the largest seen to "
        f"{BEYOND:g} times the target's. Parameters and tokens grow in step, each with the square "
        f"root of compute, so tokens per parameter stay those of the target.{held}"
        + (f" It moves the first {_MOST_WALKS} targets." if left else "")
    )


def _held(card: CalibrationCard) -> list[Block]:
    blocks = [Block("list", card.lines)]
    return [Block("table", tables.held_table(card)), *blocks] if card.evidence else blocks


def _trust(card: Scorecard) -> tuple[Block, ...]:
    title = "Nominal and realised coverage"
    return (
        Block("list", card.text.splitlines()),
        Block("picture", Picture(to_svg(calibration(card), title), title)),
        Block("table", tables.card_table(card)),
    )


def _fit_sections(fit: Fit) -> Iterator[Section]:
    runs = fit.runs
    facts = [
        f"{len(runs)} rows, {runs.n_runs} runs and {len(runs.families)} families from "
        f"{runs.source}; SHA-256 {runs.digest}.",
        *runs.notes,
        *fit.health.warnings,
    ]
    seen = Block("table", tables.runs_table(runs))
    yield Section("Data and warnings", (seen, Block("list", facts)))
    state = "The health gate passed." if fit.health.ok else "The health gate FAILED."
    figures = ", ".join(f"{name} {value:.4g}" for name, value in fit.health.figures)
    times = ", ".join(f"{name} {value:.1f} s" for name, value in fit.seconds.items())
    checks = [f"{state} {figures}.", *(str(f) for f in fit.health.failures)]
    checks += [f"Engine {fit.engine}: {fit.reason}.", f"Time: {times}."]
    found = Block("table", tables.parameter_table(fit))
    yield Section("Diagnostics", (Block("list", checks), found))
    versions = ", ".join(f"{name} {value}" for name, value in fit.versions.items())
    made = Block("text", f"Law {fit.law.name}, seed {fit.seed}. Made with {versions}.")
    spec = Block("folded", json.dumps(fit.spec.to_dict(), indent=2))
    yield Section("Specification, seed and versions", (made, spec))
