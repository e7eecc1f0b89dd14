"""What a terminal shows: whole numbers at any width, plain characters where it lacks others."""

import io

import numpy as np
import pytest
from rich.console import Console

from bayeslaw.cli.display import grid, show_fit, show_forecast
from bayeslaw.cli.options import Common
from bayeslaw.cli.output import busy, screen
from bayeslaw.cli.sparkline import BLOCKS, PLAIN, show_sparklines, sparklines
from bayeslaw.errors import ExtrapolationWarning
from bayeslaw.inference.rows import fitted_curve
from bayeslaw.pool import Pool, call
from bayeslaw.prediction import Target, forecast
from tests.scoring.synthetic import ladder, synthetic_fit

MARKUP = "[bold red]o[/] :smile:"
LONG = "a recipe of many words, long as it is, is never cut"


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder((MARKUP, LONG)), draws=100)


def printed(show, *arguments, width=80, encoding="utf-8", **settings):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    console = Console(file=stream, width=width, markup=False, emoji=False, highlight=False,
                      **settings)  # fmt: skip
    show(console, *arguments)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_width_cuts_a_name_or_breaks_a_number(fit, width):
    made = forecast(fit, [Target(2e9, 4e10, name) for name in (MARKUP, LONG)])
    text = printed(show_forecast, made, width=width) + printed(show_fit, fit, width=width)
    assert max(map(len, text.splitlines())) <= width
    low, high = made.interval(0.9)[0]
    assert f"{low:.3f}\u2013{high:.3f}" in text and "\u2026" not in text
    words = text.split()
    for summary in fit.parameters()[LONG].values():
        assert any(word.startswith(f"{summary['median']:.3g}"[:3]) for word in words)
    assert all(word in words for word in LONG.split())


def test_a_narrow_terminal_gets_a_list_of_the_same_cells():
    table = grid("Title", "family", "N", "90 %", right=("N", "90 %"))
    table.add_row("o[bold]x", "70B", "1.90\u20131.96")
    wide, narrow = (printed(lambda c: c.print(table), width=w) for w in (80, 20))
    assert wide.split() == ["Title", "family", "N", "90", "%", *wide.split()[5:]]
    assert "o[bold]x" in wide and "\u2500" in wide
    assert narrow.splitlines()[:4] == ["Title", "o[bold]x", "  N: 70B", "  90 %: 1.90\u20131.96"]


def test_markup_in_a_name_stays_text(fit):
    assert MARKUP in printed(show_sparklines, fit, fit.families)


def test_the_sparkline_draws_losses_and_curve_on_one_scale(fit):
    text = printed(show_sparklines, fit, [LONG], width=80)
    rows = [line for line in text.splitlines() if set(line) & set(BLOCKS)]
    assert len(rows) == 2
    for row in rows:  # six sizes, from the highest loss to the lowest
        drawn = [c for c in row if c in BLOCKS]
        assert len(drawn) == 6 and drawn == sorted(drawn, reverse=True) and drawn[0] == BLOCKS[-1]
    off = np.abs(fit.layout.log_loss - fitted_curve(fit.law, fit.layout, fit.posterior))
    own = off[fit.layout.family_of_row == fit.families.index(LONG)]
    assert f"{np.expm1(np.median(own)):.1%}" in text


def test_a_sparkline_is_as_wide_as_the_terminal_lets_it():
    widths = {}
    fit = synthetic_fit(ladder(), draws=50)
    for width in (30, 40, 60, 200):
        text = printed(show_sparklines, fit, fit.families, width=width)
        widths[width] = [len(line) for line in text.splitlines() if set(line) & set(BLOCKS)]
    assert widths[30] == [] and len(widths[40]) == 2
    assert max(widths[40]) <= 40 and max(widths[60]) <= 60 and max(widths[200]) < 100


def test_values_at_one_place_are_averaged():
    series = np.array([[1.0, 3.0, 0.0]])
    assert sparklines(np.array([5.0, 5.0, 6.0]), series, 2, "_-#") == ["-_"]
    assert sparklines(np.zeros(2), np.ones((1, 2)), 9) == [BLOCKS[0]]


def test_an_encoding_without_blocks_gets_plain_characters(fit):
    text = printed(show_sparklines, fit, fit.families, encoding="ascii")
    assert set(text) & set(PLAIN[1:]) and text.isascii()


def test_output_in_a_poor_encoding_never_fails(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    monkeypatch.setattr("sys.stdout", stream)
    screen(Common()).print("1.90\u20131.96 \u4e2d")
    stream.flush()
    assert stream.buffer.getvalue() == b"1.90-1.96 ?\n"


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {}])
def test_colours_need_a_terminal_and_leave(monkeypatch, environment, fit):
    with pytest.warns(ExtrapolationWarning):  # so far that a note is coloured
        made = forecast(fit, [Target(2e12, 4e13, LONG)])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    coloured = printed(show_forecast, made, force_terminal=True, color_system="standard")
    assert ("\x1b[33m" in coloured) == (not environment)
    assert "\x1b" not in printed(show_forecast, made)


def test_what_lasts_shows_a_bar_with_the_time_left_only_if_asked(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    calls = [call(abs, i) for i in range(3)]
    assert Pool().made(calls) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    assert Pool().made(calls, shown="families") == [0, 1, 2]
    shown = capsys.readouterr().err
    assert "families" in shown and "0:00:0" in shown
    with busy(Common(), "looking"):
        pass
    assert "looking" in capsys.readouterr().err
    with busy(Common(quiet=True), "looking"):
        pass
    assert capsys.readouterr().err == ""
