"""How to make the results again: a Python script and the command lines that follow it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pprint import pformat
from typing import Any

from bayeslaw.design import Allocation, Comparison, Decision
from bayeslaw.inference import Fit
from bayeslaw.inference.engines import default_length
from bayeslaw.names import FAMILY, FLOPS, PARAMS, TOKENS
from bayeslaw.prediction import Forecast, Target
from bayeslaw.reporting.results import Results
from bayeslaw.runs import Runs
from bayeslaw.runs.datasets import datasets
from bayeslaw.scoring import Scorecard

_FIT = "fit.nc"
_MOST = 60  # targets


def script(results: Results) -> str:
    """Return the Python that makes the results again, names quoted as literals."""
    lines = ["import bayeslaw as bl"]
    if results.decisions:
        lines.append("import pandas as pd")
    lines.append("")
    made = ["fit"] * len(results.fits[:1])
    for fit in results.fits[:1]:
        lines += _fitted(fit)
    again = tuple(card for card in results.cards if card.seed is not None)
    kinds: list[tuple[str, tuple[Any, ...], Callable[[Any], str]]] = [
        ("forecast", results.forecasts, _forecast),
        ("card", again, _backtest),
        ("choice", results.decisions, _decision),
        ("best", results.allocations, _allocation),
        ("comparison", results.comparisons, _comparison),
    ]
    for name, kind, source in kinds:
        for i, result in enumerate(kind, start=1):
            made.append(name if len(kind) == 1 else f"{name}_{i}")
            lines.append(f"{made[-1]} = {source(result)}")
    lines.append(f'bl.report({", ".join(made)}, path="report.html")')
    return "\n".join(lines)


def commands(results: Results) -> str:
    """Return the command lines that ask a stored fit the same, or nothing without a fit."""
    if not results.fits:
        return ""
    fit = results.fits[0]
    end = ["--seed", str(fit.seed), "--report", "report.html"]
    out = []
    for made in results.forecasts:
        for (family, kind), targets in _grouped(made.targets).items():
            asked = [part for t in targets for part in ("--target", _pairs(t))]
            out.append(["forecast", _FIT, "--family", family, "--kind", kind, *asked, *end])
    for choice in results.decisions:
        t = choice.target
        names = ",".join(str(t.family) for t in choice.targets)
        who = ["--families", names] if choice.choosing else ["--family", names]
        cost = f"{max(v.plan.cost for v in choice.values):g}"
        out.append(["plan", _FIT, *who, "--kind", t.kind, "--target", _pairs(t), "--budget", cost,
                    *end])  # fmt: skip
    for made in results.allocations:
        budgets = [part for o in made.optima for part in ("--budget", f"{o.flops:g}")]
        out.append(["allocate", _FIT, "--family", made.family, *budgets, *end])
    for made in results.comparisons:
        names = ",".join(made.ranking)
        out.append(["compare", _FIT, "--families", names, "--kind", made.target.kind, "--target",
                    _pairs(made.target), *end])  # fmt: skip
    return "\n".join(shlex.join(["bayeslaw", *words]) for words in out)


def _fitted(fit: Fit) -> list[str]:
    sizes = fit.posterior.sizes
    options = [f"seed={fit.seed}", f"chains={sizes['chain']}"]
    if fit.reason.startswith(f"{fit.engine} was asked for"):
        options.append(f"engine={fit.engine!r}")
    usual = default_length(fit.engine, fit.layout)[0]
    if sizes["draw"] not in (usual, 2 * usual):  # twice is what a second attempt takes
        options.append(f"draws={sizes['draw']}")
    return [
        f"runs = {_loaded(fit.runs)}",
        f"assert runs.digest == {fit.runs.digest!r}, 'other rows, units or column names'",
        f"spec = bl.Spec.from_dict({_wrapped(fit.spec.to_dict())})",
        f"fit = bl.fit(runs, spec, {', '.join(options)})",
        f"fit.save({_FIT!r})",
    ]


def _loaded(runs: Runs) -> str:
    if runs.source == "DataFrame":
        return "bl.load_runs(...)  # the DataFrame"
    if runs.source not in {d.name for d in datasets()}:
        return f"bl.load_runs({runs.source!r})"
    # A data set holds many families, of which a few are chosen.
    chosen = ", ".join(_quoted(name) for name in runs.families)
    return f"bl.load_dataset({runs.source!r}).where({f'{FAMILY} in ({chosen})'!r})"


def _quoted(name: str) -> str:
    return f'"{name}"' if "'" in name else f"'{name}'"


def _forecast(made: Forecast) -> str:
    targets = "".join(f"    {_target(t)},\n" for t in made.targets[:_MOST])
    return f"bl.forecast(fit, [\n{targets}])"


def _backtest(card: Scorecard) -> str:
    return (
        f"bl.backtest(runs, holdout={card.holdout!r}, spec=spec, seed={card.seed}, "
        f"score={card.scored!r})"
    )


def _decision(choice: Decision) -> str:
    plans = "".join(
        f"    bl.Plan({v.plan.name!r}, pd.DataFrame({_wrapped(v.plan.records())})),\n"
        for v in choice.values
    )
    targets = [_target(t) for t in choice.targets]
    target = f"[{', '.join(targets)}]" if choice.choosing else targets[0]
    price = "" if choice.price is None else f", price={choice.price!r}"
    return f"bl.decide(fit, plans=[\n{plans}], target={target}, seed={choice.seed}{price})"


def _allocation(made: Allocation) -> str:
    first = made.optima[0]
    options = [f"family={made.family!r}", f"loss_slack={first.near.slack!r}"]
    if first.lifetime is not None:
        options.append(f"inference_tokens={first.lifetime.served!r}")
    budgets = [o.flops for o in made.optima]
    limits = "  # and the limits that were set" if any(o.limited for o in made.optima) else ""
    return f"bl.allocate(fit, budget={budgets!r}, {', '.join(options)}){limits}"


def _comparison(made: Comparison) -> str:
    return (
        f"bl.compare(fit, {_target(made.target)}, families={list(made.ranking)!r}, "
        f"level={made.pairs[0].level!r})"
    )


def _target(target: Target) -> str:
    given: dict[str, Any] = {PARAMS: target.params, TOKENS: target.tokens}
    if target.family is not None:
        given["family"] = target.family
    if target.flops != 6.0 * target.params * target.tokens:
        given[FLOPS] = target.flops
    given["kind"] = target.kind
    if target.inputs:
        given["inputs"] = dict(target.inputs)
    return f"bl.Target({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _pairs(target: Target) -> str:
    """Return a target as a flag takes it."""
    given = {PARAMS: target.params, TOKENS: target.tokens}
    if target.flops != 6.0 * target.params * target.tokens:
        given[FLOPS] = float(target.flops or 0)
    return ",".join(f"{name}={value:.10g}" for name, value in (given | dict(target.inputs)).items())


def _grouped(targets: tuple[Target, ...]) -> dict[tuple[str, str], list[Target]]:
    """Group the first targets by what one command can ask: one family, one kind."""
    groups: dict[tuple[str, str], list[Target]] = {}
    for t in targets[:_MOST]:
        groups.setdefault((str(t.family), t.kind), []).append(t)
    return groups


def _wrapped(value: Any) -> str:
    return pformat(value, width=88, compact=True, sort_dicts=False)
