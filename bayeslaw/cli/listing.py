"""The commands laws and datasets: what there is to choose from."""

import json

from bayeslaw.cli.display import grid
from bayeslaw.cli.options import Common
from bayeslaw.cli.output import deliver, headed, require_writable, screen


def laws(common: Common) -> None:
    """List the laws: formula, parameters with their priors, source."""
    from bayeslaw.laws import catalogue

    require_writable(common)
    rows = catalogue()
    table = grid("Laws; inputs are relative to a reference point", "name", "law", "source")
    for row in rows:
        text = f"{row['formula']}\n{row['title']}.\n{row['parameters']}\n"
        table.add_row(row["name"], text, row["reference"])
    deliver(headed("laws", common, laws=rows), common)
    screen(common).print(table)


def datasets(common: Common) -> None:
    """List the public data sets: licence, size, where they come from."""
    from bayeslaw.runs.datasets import datasets_table

    require_writable(common)
    found = datasets_table()
    rows = json.loads(found.to_json(orient="records"))
    table = grid("Data sets", "name", "what", "rows", "licence", "from", right=("rows",))
    for row in rows:
        place = "shipped" if row["embedded"] else "download" if row["url"] else "your copy"
        size = "" if row["size"] is None else f"\n{row['size'] / 1e6:.2g} MB"
        count = "" if row["rows"] is None else str(row["rows"])
        table.add_row(row["name"], row["title"], count, row["licence"], f"{place}{size}")
    deliver(headed("datasets", common, datasets=rows), common)
    screen(common).print(table)
