"""The command replicate: published systems, the paper's number beside ours."""

from typing import Annotated

import typer

from bayeslaw.cli.display import grid
from bayeslaw.cli.options import Common
from bayeslaw.cli.output import deliver, headed, require_writable, screen


def replicate(
    common: Common,
    system: Annotated[
        str | None, typer.Argument(metavar="SYSTEM", help="One system; all of them if left out.")
    ] = None,
) -> None:
    """Compute published numbers again and print them beside the paper's, with a verdict."""
    require_writable(common)
    from bayeslaw.replication import NAMES, get_system, replicate as run

    asked = NAMES if system is None else (get_system(system).name,)
    console, aside = screen(common), screen(common, stderr=True)
    found = []
    for name in asked:
        if aside.is_terminal:
            aside.print(f"{name} ...", style="dim")
        finding = run(name, common.seed)
        found.append(finding)
        numbers = ("paper", "its estimator here", "ours", "level")
        table = grid(f"{finding.system}: {finding.title}", "quantity", *numbers, "", right=numbers)
        for c in finding.claims:
            level = f"{c.ours.level * 100:.0f} %" if c.ours and c.ours.low is not None else ""
            cells = ["" if n is None else str(n) for n in (c.paper, c.estimator, c.ours)]
            table.add_row(c.what, *cells, level, "agrees" if c.agrees else "differs")
        console.print(table)
        console.print(f"{finding.source}; data: {finding.data}", style="dim")
        console.print(f"verdict: {finding.verdict}", style="bold")
        if finding.reason:
            console.print(f"  {finding.reason}")
        for note in dict.fromkeys(c.note for c in finding.claims if c.note and c.agrees):
            console.print(f"  note: {note}", style="yellow")
        console.print("")
    if len(found) > 1:
        summary = grid("Verdicts", "system", "claims that agree", "verdict")
        for f in found:
            agreeing = sum(c.agrees for c in f.claims)
            summary.add_row(f.system, f"{agreeing} of {len(f.claims)}", f.verdict)
        console.print(summary)
    deliver(headed("replicate", common, systems=[f.to_dict() for f in found]), common)
