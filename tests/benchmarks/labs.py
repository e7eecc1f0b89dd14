"""Back-tests of public ladders by lab, each with priors learned without it; misses included.

    uv run python -m tests.benchmarks.labs [--only 1,2] [--ablation] [--choose SCORES.csv]
        [--declared] [--table OUT.md] [--json PATH]

Item 1: the thirty families of ColPret, largest hidden, the last 30 % of its training scored.
Item 2: eight data sets, each lab fitted by itself; largest hidden, and all above a tenth of the
largest compute; --table writes what is published of it.
--choose scores candidates for the defaults and alternatives to the discrepancy, each lab under
the one that the other labs chose.
Public ladders are read from the folder in BAYESLAW_DATA_DIR.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import labs_ablation, labs_choice
from tests.benchmarks.engine import PIPED_WIDTH, environment
from tests.benchmarks.labs_cards import (
    LADDERS,
    LARGEST,
    TENFOLD,
    Believing,
    Lengths,
    alone_card,
    clean_card,
    declared,
    ladder_card,
    learned,
)
from tests.benchmarks.labs_table import beside, published
from tests.benchmarks.report import (
    Row,
    Section,
    at_most,
    below,
    between,
    failed,
    show,
    show_verdict,
    shown,
    write_json,
)

if TYPE_CHECKING:
    from bayeslaw.scoring import Scorecard

COVERAGE = {"50": (0.38, 0.70), "80": (0.72, 0.95), "90": (0.82, 0.98), "95": (0.88, 1.0)}
PARAMETRIC, INFLATED = 0.6, 0.8
_WIDEST_Z = 5.0


def first(lengths: Lengths, believing: Believing) -> tuple[Section, str]:
    """Judge the thirty families of ColPret."""
    made = clean_card(LARGEST, believing, lengths)
    s = made.summary
    rows = [
        at_most("mean ARE over families", 100 * s["mean_are"], 2.2, "%"),
        at_most("median ARE over families", 100 * s["median_are"], 1.5, "%"),
        at_most("CRPS", 100 * s["crps"], 1.45, "%"),
        *covered("over families", s["coverage"]),
        between("bias, %", 100 * s["bias"], -1.5, 1.5),
        below("worst |z|", float(made.table["z"].abs().max()), _WIDEST_Z),
        shown("width of 90 % intervals", 100 * s["width90"], "%"),
        *covered("over labs", made.lab_summary["coverage"]),
        *(row for lab in made.by_lab.itertuples() for row in by_lab(lab)),
        *health(made),
    ]
    title = f"{s['n_families']} families of ColPret, {made.n_labs} labs, largest hidden"
    return Section(1, title, tuple(rows)), beside(made, title)


def second(
    lengths: Lengths, believing: Believing, table: Path | None = None
) -> Iterator[tuple[Section, str]]:
    """Judge eight data sets under two splits; write what is published of both to a file."""
    texts = []
    for number, split in ((2, LARGEST), (3, TENFOLD)):
        parts, rows = [alone_card(split, believing, lengths)], []
        for dataset in LADDERS:
            try:
                parts.append(ladder_card(dataset, split, believing, lengths))
            except Exception as error:  # a set that cannot be scored is a miss, not an end
                rows.append(failed(dataset, f"{type(error).__name__}: {error}", "to be scored"))
        made = joined(parts)
        labs = made.lab_summary
        rows += [
            at_most("CRPS over that of the parametric-only model, means over labs",
                    ratio(made, "parametric"), PARAMETRIC),
            at_most("CRPS over that of plain Bayes, means over labs",
                    ratio(made, "plain_bayes"), PARAMETRIC),
            at_most("CRPS over that of inflated least squares, means over labs",
                    ratio(made, "inflated"), INFLATED),
            shown("mean ARE over labs", 100 * labs["mean_are"], "%"),
            shown("CRPS over labs", 100 * labs["crps"], "%"),
            shown("bias over labs", 100 * labs["bias"], "%"),
            *(shown(f"{level} % intervals held, over labs", labs["coverage"][level])
              for level in COVERAGE),
            shown("worst |z|", float(made.table["z"].abs().max())),
            *health(made),
        ]  # fmt: skip
        title = f"eight data sets, {made.n_labs} labs, hidden: {split}"
        texts.append(published(made, title))
        if table is not None:
            table.write_text("\n".join(texts), encoding="utf-8")
        yield Section(number, title, tuple(rows)), beside(made, title)


def joined(parts: list[Scorecard]) -> Scorecard:
    """Join cards, data sets told apart: a lab's runs may be in two of them."""
    from bayeslaw.scoring import Scorecard

    return Scorecard.joined(parts)


def covered(where: str, coverage: dict[str, float]) -> list[Row]:
    """Return how often intervals held."""
    return [
        between(f"{level} % intervals held, {where}", coverage[level], *ends)
        for level, ends in COVERAGE.items()
    ]


def by_lab(lab: Any) -> list[Row]:
    """Return what is asked of every lab by itself."""
    return [
        at_most(f"{lab.Index}: ARE", 100 * lab.mean_are, 2.2, "%"),
        at_most(f"{lab.Index}: CRPS", 100 * lab.crps, 1.45, "%"),
        below(f"{lab.Index}: worst |z|", lab.worst_z, _WIDEST_Z),
    ]


def ratio(made: Scorecard, rival: str) -> float:
    """Return our CRPS over a rival's, each averaged over labs in the families it can forecast."""
    from bayeslaw.scoring.averages import figures

    ours, theirs = figures(made.table)["crps"], figures(made.table, rival)["crps"]
    there = theirs.notna()
    means = [x[there].groupby(level=0).mean().mean() for x in (ours, theirs)]
    return float(means[0] / means[1])


def health(made: Scorecard) -> list[Row]:
    """Return how many checks the fits behind a card failed."""
    if made.health is None:
        return []
    return [shown("failed checks of the fits", len(made.health.failures))]


def ablated(lengths: Lengths) -> tuple[Section, str]:
    """Leave out one source of width at a time."""
    table = labs_ablation.ablation(lengths)
    labs, means = table.set_index(["dataset", "lab", "variant"]), labs_ablation.means(table)
    rows = [
        shown(f"{where}, {variant}: CRPS / 90 % held",
              f"{row['crps']:.2%} / {row['coverage90']:.2f}")
        for (where, variant), row in means.iterrows()
    ]  # fmt: skip
    written = "\n\n".join(
        frame.to_string(float_format="{:.4f}".format) for frame in (means, labs[list(means)])
    )
    return Section(4, "what each source of width is for", tuple(rows)), written


def choice(lengths: Lengths, path: Path, which: str) -> tuple[Section, str]:
    """Score candidates, and choose for each lab by the others."""
    candidates = {"defaults": labs_choice.CANDIDATES, "alternatives": labs_choice.ALTERNATIVES}
    table = labs_choice.scores(lengths, candidates[which], path=path)
    table = table[table["candidate"].isin(candidates[which])]
    found = labs_choice.chosen(table)
    rows = [
        shown(f"{lab}: chosen by the others", f"{row['chosen']} (ahead by {row['margin']:.1%})")
        for lab, row in found.iterrows()
    ]
    ratio = labs_choice.geometric(found["over first"])
    rows.append(shown(f"CRPS so chosen over that of '{table['candidate'].iloc[0]}'", ratio))
    return Section(5, f"candidates: {which}", tuple(rows)), labs_choice.text(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for and print tables, ratios to targets and misses."""
    from rich.console import Console

    chosen = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    lengths = Lengths(chosen.draws, chosen.cores)
    believing = declared if chosen.declared else learned
    facts = environment(chosen.cores, False) | {"draws": chosen.draws}
    facts["priors"] = "built-in" if chosen.declared else "learned without the scored lab"
    done: list[Section] = []
    begun = time.perf_counter()
    for section, text in _chosen(chosen, lengths, believing):
        took = time.perf_counter() - begun
        done.append(replace(section, seconds=took))
        show(done[-1], console)
        print(text, flush=True)
        if chosen.json:
            write_json(chosen.json, done, facts)
        begun = time.perf_counter()
    show_verdict(done, console)


def _chosen(
    chosen: argparse.Namespace, lengths: Lengths, believing: Believing
) -> Iterator[tuple[Section, str]]:
    if 1 in chosen.only:
        yield first(lengths, believing)
    if 2 in chosen.only:
        yield from second(lengths, believing, chosen.table)
    if chosen.ablation:
        yield ablated(lengths)
    if chosen.choose:
        for which in ("defaults", "alternatives"):
            yield choice(lengths, chosen.choose, which)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.labs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", type=lambda text: [int(part) for part in text.split(",") if part],
        default=[1, 2], metavar="1,2", help="items; '' for none",
    )  # fmt: skip
    parser.add_argument("--ablation", action="store_true", help="leave out one source at a time")
    parser.add_argument(
        "--choose", type=Path, metavar="SCORES.csv", help="candidates; scores are kept there"
    )
    parser.add_argument("--table", type=Path, metavar="OUT.md", help="write item 2 as Markdown")
    parser.add_argument("--declared", action="store_true", help="the built-in priors instead")
    parser.add_argument("--draws", type=int, default=500, help="draws per chain (500)")
    parser.add_argument("--cores", type=int, default=1, help="processors to use (1)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows here")
    return parser


if __name__ == "__main__":
    main()
