"""The commands priors learn and priors show: what past ladders say of a new one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayeslaw.cli.display import grid
from bayeslaw.cli.input import pool_of, read_runs
from bayeslaw.cli.options import Common, Table
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.files import write_whole

if TYPE_CHECKING:
    from bayeslaw.model import Priors
    from bayeslaw.runs import Runs


def learn(
    table: Table,
    common: Common,
    ladders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASETS_OR_RUNS]...",
            help="Data sets by name, or tables of your own past runs. [all public ladders]",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.json", help="Where the priors go.")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", metavar="LAB", help="A lab not to look at; may repeat."),
    ] = None,
    each: Annotated[
        bool,
        typer.Option("--each", help="Also write without-LAB.json for each lab, beside --out."),
    ] = False,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="SCORES.csv",
            help="Keep the scores of the settings here, and take what is there already.",
        ),
    ] = None,
    law: Annotated[str | None, typer.Option(metavar="NAME", help="A law from: laws.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, metavar="N", help="Fits made at once.")] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Make them on a Dask cluster: tcp://host:8786."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep each fit's scores here, and do not make it again."),
    ] = None,
) -> None:
    """Learn priors from past ladders, each lab counting once."""
    from bayeslaw.laws import get_law
    from bayeslaw.model.priors import slug
    from bayeslaw.scoring.priors import learn_each, scores_of
    from bayeslaw.scoring.priors_ladders import joined, ladders_of

    if out is None:
        raise typer.BadParameter("no file was given; expected FILE.json.", param_hint="--out")
    given = [Path(name) for name in ladders or [] if Path(name).is_file()]
    require_writable(common, *given, scores=scores, priors=out)
    chosen, pool = get_law(law or "chinchilla"), pool_of(jobs, cluster, resume)
    parts = _read(ladders or [], table)
    aside = screen(common, stderr=True)

    def tell(text: str) -> None:
        aside.print(text, soft_wrap=True)

    runs = joined(parts)
    sources = {part.source: part.digest for part in parts}
    always = tuple(leave_out or ())
    wanted = {out: always}
    if each:
        for lab in ladders_of(runs, 1, leave_out=always):
            wanted[out.with_name(f"without-{slug(lab)}.json")] = (*always, lab)
    found = scores_of(
        runs, law=chosen, leave_out=always, seed=common.seed, path=scores, pool=pool, told=tell
    )
    learned = learn_each(
        runs, list(wanted.values()), law=chosen, seed=common.seed, scores=found,
        sources=sources, pool=pool, told=tell,
    )  # fmt: skip
    for path, priors in zip(wanted, learned, strict=True):
        write_whole(path, priors.text())
        tell(f"wrote {path}: {priors}")
    deliver(headed("priors", common, name=str(out), priors=learned[0].to_dict()), common)
    _show(learned[0], common)


def show(
    common: Common,
    source: Annotated[
        str, typer.Argument(metavar="[generic|FILE.json]", help="Shipped priors, or your own.")
    ] = "generic",
) -> None:
    """Show learned priors: intervals, and the labs they came from."""
    from bayeslaw.model.priors import load_priors

    require_writable(common)
    priors = load_priors(source)
    deliver(headed("priors", common, name=source, priors=priors.to_dict()), common)
    _show(priors, common)


def _read(ladders: list[str], table: Table) -> "list[Runs]":
    """Read data sets by name, and everything else as a file."""
    from bayeslaw.runs.datasets import datasets
    from bayeslaw.scoring.priors_ladders import PUBLIC_LADDERS, public_ladder

    if not ladders:
        return [ladder.load() for ladder in PUBLIC_LADDERS]
    known = {dataset.name for dataset in datasets()}
    return [
        public_ladder(name).load() if name in known else read_runs(Path(name), table)
        for name in ladders
    ]


def _show(priors: "Priors", common: Common) -> None:
    numbers = ("low", "high", "low alone", "high alone", "between families")
    rows = grid(f"{priors.law}: 90 % intervals in a new lab", "quantity", *numbers, right=numbers)
    for name, interval in priors.intervals.items():
        ends = (*interval, *priors.trusting[name])
        spread = f"{priors.between[name]:.3g}" if name in priors.between else ""
        rows.add_row(name, *(f"{end:.3g}" for end in ends), spread)
    for name, interval in (
        ("run noise", priors.run),
        ("checkpoint noise", priors.checkpoint),
        ("discrepancy", priors.scale),
        ("drift per e-fold", priors.kappa),
    ):
        if interval is not None:
            rows.add_row(name, *(f"{end:.3g}" for end in interval), "", "", "")
    console = screen(common)
    console.print(rows)
    console.print("alone: for a model without discrepancy", style="dim")
    console.print(f"discrepancy length: {priors.length:g} e-folds")
    without = f"; without {', '.join(priors.left_out)}" if priors.left_out else ""
    console.print(
        f"from {priors.runs} runs of {priors.families} families, {len(priors.labs)} labs: "
        f"{', '.join(priors.labs)}{without} (bayeslaw {priors.version})",
        soft_wrap=True,
    )
