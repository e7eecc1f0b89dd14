"""The flags that commands share, each declared once.

A flag left out is None and is not passed on: defaults live in the library, not here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

Option = typer.Option


@dataclass(frozen=True)
class Common:
    """What every command takes."""

    json: Annotated[
        str | None,
        Option("--json", metavar="PATH", help="Write the result as JSON; '-' for standard output."),
    ] = None
    seed: Annotated[
        int, Option(min=0, max=2**32 - 1, metavar="INT", help="Same seed, same result.")
    ] = 0
    quiet: Annotated[bool, Option("--quiet", help="Show no tables and no progress.")] = False
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False


@dataclass(frozen=True)
class Table:
    """How a table of runs is read."""

    columns: Annotated[
        list[str] | None,
        Option("--map", metavar="NAME=COLUMN", help="Name columns: loss=val_loss,params=N."),
    ] = None
    loss_unit: Annotated[
        str | None, Option(metavar="nats|ppl|bpb", help="Unit of the loss column.")
    ] = None
    bytes_per_token: Annotated[
        float | None,
        Option(metavar="X", help="Mean bytes per token of the evaluation text, for bpb."),
    ] = None


@dataclass(frozen=True)
class Source(Table):
    """How a table of runs is read, where a fit may be given in its place."""

    made_from: Annotated[
        Path | None,
        Option(
            metavar="RUNS", help="Refuse the fit if this table is not the one it was made from."
        ),
    ] = None


@dataclass(frozen=True)
class Model:
    """What is fitted."""

    law: Annotated[
        str | None,
        Option(
            metavar="NAME[,NAME]",
            help="A law from: bayeslaw laws; forecast and backtest average over several.",
        ),
    ] = None
    pool: Annotated[
        str | None, Option(metavar="partial|shared|none", help="How families share parameters.")
    ] = None
    priors: Annotated[
        str | None,
        Option(
            metavar="generic|FILE.json",
            help="Priors learned from public ladders (of chinchilla; other laws keep their own), "
            'or from a file: of priors learn, or of 90 % intervals {"alpha": [0.2, 0.4]}.',
        ),
    ] = None
    discrepancy: Annotated[
        Literal["gp", "inflated", "none"] | None,
        Option(
            help="Let the true curve wander from the law, widen with the distance to the runs, or "
            "trust the law."
        ),
    ] = None


@dataclass(frozen=True)
class Sampling:
    """How it is fitted."""

    engine: Annotated[
        str | None, Option(metavar="auto|quadrature|collapsed|pymc|jax", help="How to sample.")
    ] = None
    draws: Annotated[int | None, Option(min=10, metavar="N", help="Draws kept per chain.")] = None
    tune: Annotated[int | None, Option(min=10, metavar="N", help="Draws discarded per chain.")] = (
        None
    )
    chains: Annotated[int | None, Option(min=1, metavar="N", help="Chains.")] = None
    jobs: Annotated[
        int | None,
        Option(min=1, metavar="N", help="Chains, families or simulations worked on at once."),
    ] = None
    cluster: Annotated[
        str | None,
        Option(
            metavar="ADDRESS",
            help="Work families or simulations on a Dask cluster, such as tcp://host:8786.",
        ),
    ] = None
    resume: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Keep what is done of families or simulations here, and do not do it again.",
        ),
    ] = None


RunsFile = Annotated[
    Path, typer.Argument(metavar="RUNS", help="Table of runs: CSV, Parquet or JSON lines.")
]
RunsOrFit = Annotated[
    Path, typer.Argument(metavar="RUNS_OR_FIT", help="Table of runs, or a fit saved as .nc.")
]
FitOut = Annotated[
    Path | None, Option("--out", metavar="FIT.nc", help="Save the fit as NetCDF for later use.")
]
ReportOut = Annotated[
    Path | None,
    Option("--report", metavar="OUT.html", help="Write a report: one page, or Markdown as .md."),
]
Price = Annotated[
    float | None,
    Option(
        "--price",
        min=1e-30,
        metavar="MONEY",
        help="Price of 1e18 FLOP: about an hour of an H100 at 28 % of its peak.",
    ),
]
