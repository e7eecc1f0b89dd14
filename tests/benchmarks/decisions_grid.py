"""The table of discrepancy and seed noise against plans, on simulated ladders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.decisions_nested import PARAMS, TOKENS, base_fit, plans
from tests.benchmarks.ladders import FAMILY
from tests.benchmarks.report import Row, Section, at_most, shown

if TYPE_CHECKING:
    from tests.benchmarks.decisions_sizes import Sizes

TITLE = "Many small or one large: discrepancy and seed noise against plans"
# s.d. of the discrepancy and its length in e-folds, s.d. of the seeds.
WORLDS = (
    (0.0005, 3.0, 0.001), (0.0005, 3.0, 0.01), (0.003, 3.0, 0.003), (0.003, 3.0, 0.01),
    (0.01, 3.0, 0.001), (0.01, 3.0, 0.01), (0.03, 4.0, 0.003),
)  # fmt: skip
SPLITS = ("two halves", "tenths")
TIE = 0.01  # a split that is better by less than this does not count as paying


def run(sizes: Sizes, cores: int) -> Section:
    """Fit nine base runs in each world and rank the plans by the public interface."""
    import bayeslaw as bl

    target = bl.Target(PARAMS, TOKENS, FAMILY, kind="mean")
    out: list[Row] = []
    wrong, lost = 0, []
    for discrepancy, length, seed_sd in WORLDS:
        fit = base_fit(discrepancy, seed_sd, 3, sizes.effort, length)
        choice = bl.decide(fit, list(plans().values()), target=target)
        sd = {v.plan.name: v.sd for v in choice.values}
        curve = bl.break_even(fit, [plans()["one large"], plans()["two halves"]], target=target)
        pair = ("one large", "two halves")
        at = next((at for *plans_, at in curve.crossings if tuple(plans_) == pair), None)
        pays = any(sd[name] < sd["one large"] * (1 - TIE) for name in SPLITS)
        wrong += pays and seed_sd <= discrepancy
        lost.append(sd["ladder"] / min(sd.values()) - 1)
        words = ", ".join(f"{name} {100 * value:.2f}" for name, value in sd.items())
        out.append(
            shown(
                f"discrepancy {discrepancy:.2%} (length {length:g}), seeds {seed_sd:.1%}; s.d. in "
                f"%: now {100 * choice.now_sd:.2f}, {words}; halves overtake at seeds of",
                "never" if at is None else f"{at:.2%}",
            )
        )
    out.append(at_most("worlds where splitting pays though seeds are below discrepancy", wrong, 0))
    out.append(at_most("the ladder loses against the best plan, at most", max(lost), 0.1))
    return Section(4, TITLE, tuple(out), ("Target: 3e9 params, 6e10 tokens; plans of 1e20 FLOP.",))
