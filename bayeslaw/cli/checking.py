"""The command check: what was read from a table, and what it cannot settle."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bayeslaw.cli.display import MAX_FAMILIES, grid, quantity
from bayeslaw.cli.input import read_runs
from bayeslaw.cli.options import Common, RunsFile, Table
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.names import FAMILY, FLOPS, LOSS, PARAMS, RUN, TOKENS

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.runs import Finding, Runs

_STYLES = {"error": "red", "warning": "yellow", "note": "dim"}


def check(runs: RunsFile, table: Table, common: Common) -> None:
    """Validate a table of runs: units, duplicates, outliers, what it can identify."""
    from bayeslaw.runs import check_runs, require_fittable

    require_writable(common, runs)
    read = read_runs(runs, table)
    require_fittable(read)
    findings = check_runs(read)
    deliver(
        headed(
            "check",
            common,
            ok=all(finding.severity != "error" for finding in findings),
            runs=_summary(read),
            findings=[asdict(finding) for finding in findings],
        ),
        common,
    )
    console = screen(common)
    _show_runs(console, read)
    _show_findings(console, findings)


def _summary(runs: "Runs") -> dict[str, Any]:
    spans = {
        name: [float(runs.table[name].min()), float(runs.table[name].max())]
        for name in (PARAMS, TOKENS, FLOPS, LOSS)
    }
    return {
        "source": runs.source,
        "rows": len(runs),
        "runs": runs.n_runs,
        "families": runs.families,
        **spans,
        "digest": runs.digest,
    }


def _show_runs(console: "Console", runs: "Runs") -> None:
    numbers = ("rows", "runs", "N", "D", "loss")
    table = grid(f"{runs.source}: what was read", "family", *numbers, right=numbers)
    for family, rows in list(runs.table.groupby(FAMILY, sort=False))[:MAX_FAMILIES]:
        spans = [
            f"{quantity(rows[n].min())} to {quantity(rows[n].max())}" for n in (PARAMS, TOKENS)
        ]
        loss = f"{rows[LOSS].min():.3f} to {rows[LOSS].max():.3f}"
        table.add_row(str(family), str(len(rows)), str(rows[RUN].nunique()), *spans, loss)
    console.print(table)
    if len(runs.families) > MAX_FAMILIES:
        console.print(f"  and {len(runs.families) - MAX_FAMILIES} more families\n")


def _show_findings(console: "Console", findings: "list[Finding]") -> None:
    table = grid("Findings", "severity", "finding", "rows")
    for finding in findings:
        first = ", ".join(map(str, finding.rows[:4]))
        rest = len(finding.rows) - 4
        table.add_row(
            finding.severity,
            f"{finding.message} [{finding.code}]",
            f"{first} and {rest} more" if rest > 0 else first,
            style=_STYLES[finding.severity],
        )
    console.print(table)
