"""The fit as small pictures of text: observed losses of a family above its fitted curve."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bayeslaw.cli.display import MAX_FAMILIES, grid
from bayeslaw.cli.output import encodes
from bayeslaw.names import FLOPS, PARAMS, TOKENS

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from bayeslaw.inference import Fit

BLOCKS, PLAIN = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588", "_.:-=+*#"
WIDEST, NARROWEST = 40, 8
_BESIDE = 28  # what the rest of the table takes at least


def show_sparklines(console: "Console", fit: "Fit", families: Iterable[str]) -> None:
    """Print the losses of families along their size, and by how much the curve is off them."""
    import numpy as np

    from bayeslaw.inference.rows import fitted_curve

    layout = fit.layout
    curve = fitted_curve(fit.law, layout, fit.posterior)
    sizes = [i for i, n in enumerate(fit.law.input_names) if n in (PARAMS, TOKENS, FLOPS)]
    size = layout.points[:, sizes or [0]].sum(axis=1)  # log compute, but for a constant
    title = "Observed losses above the fitted curve, small runs to large"
    table = grid(title, "family", "losses", "off", right=("losses", "off"))
    width = min(WIDEST, console.width - _BESIDE)
    if width < NARROWEST:
        return  # a picture of so few characters shows nothing
    levels = BLOCKS if encodes(console.encoding, BLOCKS) else PLAIN
    known = [name for name in dict.fromkeys(families) if name in layout.families]
    for name in known[:MAX_FAMILIES]:
        rows = layout.family_of_row == layout.families.index(name)
        losses = np.stack([layout.log_loss[rows], curve[rows]])
        off = np.exp(np.median(np.abs(losses[0] - losses[1]))) - 1
        lines = sparklines(size[rows], losses, width, levels)
        table.add_row(name, "\n".join(lines), f"{off:.1%}")
    if known:
        console.print(table)


def sparklines(
    place: "np.ndarray", series: "np.ndarray", width: int, levels: str = BLOCKS
) -> list[str]:
    """Draw series as lines of characters on one scale.

    Parameters
    ----------
    place : where each value stands, shape (values,).
    series : shape (series, values).
    width : characters of a line; values that fall on one are averaged.
    levels : characters from low to high.

    Examples
    --------
    >>> import numpy as np
    >>> sparklines(np.array([0, 1, 2, 4]), np.array([[4, 3, 2, 1.0]]), 5, "_-=#")
    ['#=- _']
    """
    import numpy as np

    span = float(np.ptp(place))
    column = np.round((place - place.min()) / (span or 1.0) * (width - 1)).astype(int)
    low, high = float(series.min()), float(series.max())
    lines = []
    for values in series:
        cells = [" "] * (column.max() + 1)
        for i in np.unique(column):
            share = (values[column == i].mean() - low) / ((high - low) or 1.0)
            cells[i] = levels[round(share * (len(levels) - 1))]
        lines.append("".join(cells))
    return lines
