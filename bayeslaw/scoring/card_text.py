"""A score card in words, and its labs as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw import names
from bayeslaw.scoring.averages import LEVELS

if TYPE_CHECKING:
    from bayeslaw.scoring.card import Scorecard

_FAILED = "The refit failed its health gate: do not rely on this card."
_HEADERS = ("lab", "families", "targets", "ARE", "bias", "CRPS", *(f"{v} %" for v in LEVELS))


def words(card: Scorecard) -> str:
    """Return a card in about fifteen lines.

    Parameters
    ----------
    card : the scores.

    Returns
    -------
    str
    """
    return "\n".join([*_opening(card), *_beside(card), *_intervals(card), verdict(card)])


def verdict(card: Scorecard) -> str:
    """Return one sentence on whether the 90 % intervals can be taken at their word.

    Parameters
    ----------
    card : the scores.

    Returns
    -------
    str
    """
    if card.health is not None and not card.health.ok:
        return _FAILED
    low, high = card.coverage_bounds["90"]
    if high < 0.9:
        return "The 90 % intervals were too narrow: widen them before you rely on them."
    if low > 0.9:
        return "The 90 % intervals were wider than they need be."
    return f"Nothing speaks against the 90 % intervals, as far as {_families(card)} can tell."


def markdown(card: Scorecard) -> str:
    """Return the labs of a card as a Markdown table.

    Parameters
    ----------
    card : the scores.

    Returns
    -------
    str
        One row per lab, then the means over labs and over families; the coverage of four
        intervals, and the width of the 90 % interval relative to the median. The last columns
        are our CRPS over that of each baseline with a spread.
    """
    labs = card.by_lab
    ratios = [name for name in labs.columns if name.startswith("crps_over_")]
    spreads = [name.removeprefix("crps_over_") for name in ratios]
    headers = [*_HEADERS, "width 90 %", "worst z", *(f"CRPS / {name}" for name in spreads)]
    rows = []
    for lab, row in zip(labs.index, labs.to_dict("records"), strict=True):
        covered = {level: row[f"coverage{level}"] for level in LEVELS}
        counts = [str(lab).replace("|", "\\|"), row["n_families"], row["n_targets"]]
        last = [row["worst_z"], *(row[name] for name in ratios)]
        rows.append([*counts, *_cells(row | {"coverage": covered}), *map(_ratio, last)])
    means = [labs[name].mean() for name in ratios]
    families = [card.summary["baselines"][name]["crps_ratio"] for name in spreads]
    worst, size = labs["worst_z"].max(), [card.n_families, len(card.table)]
    for unit, figures, last in (
        (f"mean of {_count(card.n_labs, 'lab')}", card.lab_summary, means),
        (f"mean of {_families(card)}", card.summary, families),
    ):
        rows.append([unit, *size, *_cells(figures), *map(_ratio, [worst, *last])])
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def _cells(figures: Mapping[Any, Any]) -> list[str]:
    percent = [f"{figures[name]:.2%}" for name in ("mean_are", "bias", "crps")]
    covered = [f"{figures['coverage'][level]:.2f}" for level in LEVELS]
    return [*percent, *covered, f"{figures['width90']:.2%}"]


def _ratio(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"


def _opening(card: Scorecard) -> Iterator[str]:
    s, reach = card.summary, card.table["extrapolation_factor"]
    law = f" of {card.law}" if card.law else ""
    runs = len(card.table[[names.LAB, names.FAMILY, names.RUN]].drop_duplicates())
    where = "above" if s["bias"] > 0 else "below"
    yield (
        f"Back-test{law}: {_count(runs, 'hidden run')} of {_families(card)} (hidden: "
        f"{card.holdout}; scored: {card.scored})."
    )
    yield (
        f"Their compute was {reach.min():.3g} to {reach.max():.3g} times the largest seen "
        f"(median {reach.median():.3g})."
    )
    yield (
        f"Forecast error {s['mean_are']:.2%} on average over families (median family "
        f"{s['median_are']:.2%}), {abs(s['bias']):.2%} {where} the real loss; "
        f"CRPS {s['crps']:.2%}."
    )


def _beside(card: Scorecard) -> Iterator[str]:
    for name, s in card.summary["baselines"].items():
        if not s["n_families"]:
            yield f"  beside {name}: no family has the runs it needs."
            continue
        better, families = card.beaten(name)
        if "coverage" in s:
            closer = (
                f"CRPS {s['crps']:.2%} (the forecast's is {s['crps_ratio']:.2f} of it in the same "
                f"{_count(families, 'family', 'families')}), 90 % held {s['coverage']['90']:.0%}"
            )
        else:
            closer = (
                f"the forecast is closer in {better} of {_count(families, 'family', 'families')}"
            )
        yield f"  beside {name}: {s['mean_are']:.2%}; {closer}."


def _intervals(card: Scorecard) -> Iterator[str]:
    s, test = card.summary, card.uniformity
    inside = ", ".join(
        f"{level} % held {s['coverage'][level]:.0%} ({low:.0%} to {high:.0%})"
        for level, (low, high) in card.coverage_bounds.items()
    )
    yield f"Intervals: {inside}."
    yield (
        f"  In brackets what {_families(card)} can tell (95 % Clopper-Pearson, one trial per "
        "family)."
    )
    if 1 < card.n_labs < card.n_families:
        labs, (low, high) = card.lab_summary, card.coverage_bounds_by_lab["90"]
        yield (
            f"  By lab: error {labs['mean_are']:.2%}, CRPS {labs['crps']:.2%}, 90 % held "
            f"{labs['coverage']['90']:.0%} ({low:.0%} to {high:.0%}, as far as {card.n_labs} labs "
            "can tell)."
        )
    yield (
        f"90 % intervals are {s['width90']:.2%} of the loss wide; the worst miss is "
        f"{card.table['z'].abs().max():.1f} s.d."
    )
    yield (
        f"PIT, one per family, uniform: p = {test['p_value']:.2g} (Anderson-Darling). Intervals "
        f"half as wide as they should be would show in {test['power_narrow']:.0%} of such tests, "
        f"a bias of one s.d. in {test['power_biased']:.0%}."
    )


def _families(card: Scorecard) -> str:
    return _count(card.n_families, "family", "families")


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
