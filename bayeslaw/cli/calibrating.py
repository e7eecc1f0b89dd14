"""The calibration card of a forecast on the command line: made once per fit and kept beside it."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bayeslaw.cli.display import grid
from bayeslaw.cli.options import Common
from bayeslaw.cli.output import busy
from bayeslaw.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.inference import Fit
    from bayeslaw.prediction import Forecast
    from bayeslaw.scoring import CalibrationCard, Scorecard

SUFFIX = ".card.json"
_LEVELS = ("50", "80", "90", "95")


def calibrate(
    fit: "Fit",
    forecast: "Forecast",
    common: Common,
    *stored: Path | None,
    scorecard: "Scorecard | None" = None,
) -> "CalibrationCard":
    """Make the card of a forecast.

    Parameters
    ----------
    fit, forecast, common
        What was made.
    *stored
        Files of the fit; beside each the back-test of its own runs is looked for and kept.
    scorecard
        A back-test of the fit's own runs, if one was made already.
    """
    from bayeslaw.scoring import calibration_card, own_ladder
    from bayeslaw.scoring.evidence import Evidence

    beside = [path.with_suffix(SUFFIX) for path in stored if path is not None]
    if scorecard is not None:
        own_ladder.keep(fit, Evidence.of_card(scorecard))
    elif not any(own_ladder.recall(fit, path) for path in beside):
        with busy(
            common, "back-testing: hides the largest sizes, and fits the rest", "--no-card: do not"
        ):
            own_ladder.own_evidence(fit)
    text = own_ladder.to_text(fit, own_ladder.own_evidence(fit))
    for path in beside:
        # A fit may lie where nothing can be written; then the card is made again next time.
        with suppress(OSError):
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                write_whole(path, text)
    return calibration_card(fit, forecast)


def show_calibration(console: "Console", card: "CalibrationCard") -> None:
    """Print how often intervals held, your ladder first, then public ones by reach."""
    numbers = ("beyond", *(f"{level} %" for level in _LEVELS), "CRPS", "bias", "of")
    table = grid("How often intervals like these have held", "ladders", *numbers, right=numbers)
    for e in card.evidence:
        held = [f"{e.coverage[level]:.0%}" for level in _LEVELS]
        size = f"{e.n_families} of {e.n_labs}"
        where = e.where.removesuffix(" ladder").removesuffix(" ladders")
        table.add_row(where, e.reach, *held, f"{e.crps:.2%}", f"{e.bias:+.1%}", size)
    if card.evidence:
        console.print(table)
        console.print(
            "of: families of labs; bias: above zero the forecast is too high", style="dim"
        )
    for line in card.lines:
        console.print(line)
    console.print()
