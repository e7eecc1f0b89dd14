"""How the model of learning curves was chosen: on simulated curves, before any real one.

uv run python -m tests.benchmarks.curve_tuning [--each 8] [--seed 11] [--only "as chosen,length 3"]

The search, on 20 to 40 curves a question and lattices of 512 points: log density per point over
that of the choice, curve by curve, with its standard error (and RMSLE over that of the choice).

Law. Gentle bend, length 3 (the choice before) -.34 (.0228 against .0184), the same with s.d. .5 to
8 % -.39, no floor -.50, power, break, power, floor -.14, two bends -.00 (.02) (-.0007), law trusted
-.46. Averaged with two bends and length 3: equally +.003, by evidence -.004, by its root -.001.

Discrepancy. Length 3 -.01 (.03); length 1 and s.d. .2 to 5 % +.02 (.02); s.d. .2 to 5 % -.01 (.03);
s.d. 1 to 20 % -.02 (.02). Noise. Gaussian -.01 (.02).

Priors. Sharpness .3 to 3 +.01 (.01), .3 to 8 -.00 (.01), .7 to 6 -.03 (.01); exponent .2 to 3
-.01 (.01), .1 to 1.5 -.01 (.01); earlier starts -.02 (.01), later +.00 (.01); floor from 2 %
+.00 (.01), from 10 % -.02 (.02); excess to 10 -.01 (.01).

So the bend's sharpness is what was missing; the rest is flat, and an average over laws adds
nothing to a law that contains them. No difference within two standard errors was acted on.

Seen of the benchmark itself: the choice before on all 116 curves (image classification .0309 and
3.277, NLP + nano .0155 and 3.005), then the present one on every sixth (.0292 and 3.437 on 12
curves of image classification, all BiT/101/3; .0143 and 3.132 on 8 of the others) and on 12 of
image classification of the other models (.0382 and 2.990, a curve of ImageNet far outside its
interval). Nothing was changed after either; the present choice is not measured on all 116.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from bayeslaw.laws import Law
from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import TOKENS
from bayeslaw.model import Discrepancy, Noise, Spec
from tests.benchmarks.curve_law import SPEC, bent_tokens, delayed_tokens
from tests.benchmarks.curve_tables import Curve
from tests.benchmarks.curve_worlds import worlds
from tests.benchmarks.curves import score
from tests.benchmarks.effort import FULL, Effort

_SCORES = ["rmsle", "ll", "msce", "crps", "healthy", "seconds"]
_KNEE = 3.0  # of a second break


@law(
    inputs=(TOKENS,),
    parameters=(
        *bent_tokens.parameters,
        Parameter("second", "data at which the exponent changes", 0.1, 10.0, "d_2"),
        Parameter("change", "factor by which it changes", 0.4, 2.5, "r"),
    ),
    reference="arXiv:2210.14891",
    to_published=bent_tokens.to_published,
    from_published=bent_tokens.from_published,
)
def twice_bent_tokens(xp, tokens, E, b, beta, start, sharpness, second, change):
    """Error bends from flat into a power of data whose exponent changes once."""
    bend, knee = start**sharpness, second**_KNEE
    first = ((tokens**sharpness + bend) / (1 + bend)) ** (-beta / sharpness)
    return E + b * first * ((tokens**_KNEE + knee) / (1 + knee)) ** (-beta * (change - 1) / _KNEE)


def candidates() -> dict[str, Spec]:
    """Return what was tried, by what differs from the choice."""
    return {
        "as chosen": SPEC,
        "gentle bend": replace(SPEC, law=delayed_tokens),
        "gentle bend and length 3": replace(_wander(0.01, 0.2, 3.0), law=delayed_tokens),
        "two bends": replace(SPEC, law=twice_bent_tokens),
        "law trusted": replace(SPEC, discrepancy=None),
        "s.d. .2 to 5 %": _wander(0.002, 0.05),
        "s.d. 1 to 20 %": _wander(0.01, 0.2),
        "length 1": _wander(0.005, 0.1, 1.0),
        "length 1 and s.d. .2 to 5 %": _wander(0.002, 0.05, 1.0),
        "length 3": _wander(0.005, 0.1, 3.0),
        "sharpness .3 to 3": _prior("sharpness", 0.3, 3.0),
        "sharpness .3 to 8": _prior("sharpness", 0.3, 8.0),
        "exponent .1 to 1.5": _prior("beta", 0.1, 1.5),
        "earlier starts": _prior("start", 0.001, 5.0),
        "later starts": _prior("start", 0.005, 20.0),
        "floor from 2 %": _prior("E", 0.02, 1.2),
        "floor from 10 %": _prior("E", 0.1, 1.0),
        "Gaussian noise": replace(SPEC, noise=replace(SPEC.noise, tails=None)),
        "noise from .08 %": replace(SPEC, noise=Noise(run=(0.0008, 0.03))),
    }


def tune(specs: dict[str, Spec], curves: Iterable[Curve], effort: Effort = FULL) -> pd.DataFrame:
    """Score specifications on the same simulated curves, one row for each curve and spec."""
    return pd.DataFrame(
        {"spec": label, "kind": curve.model, "curve": curve.task, **score(curve, spec, effort, 1)}
        for curve in curves
        for label, spec in specs.items()
    )


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean scores of each specification, best density first.

    ``gain`` is the density over that of the first specification, curve by curve, with its
    standard error.
    """
    density = table.pivot_table(index=["kind", "curve"], columns="spec", values="ll")
    gain = density.sub(density[table["spec"].iloc[0]], axis=0)
    found = table.groupby("spec")[_SCORES].mean()
    found["gain"], found["error of gain"] = gain.mean(), gain.sem()
    return found.sort_values("ll", ascending=False)


def _wander(low: float, high: float, length: float = 1.5) -> Spec:
    return replace(SPEC, discrepancy=Discrepancy(scale=(low, high), length=length))


def _prior(name: str, low: float, high: float) -> Spec:
    law: Law = SPEC.law  # type: ignore[assignment]
    changed = (replace(p, low=low, high=high) if p.name == name else p for p in law.parameters)
    return replace(SPEC, law=replace(law, parameters=tuple(changed)))


def main() -> None:
    """Print the comparison, over all kinds and by kind."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.curve_tuning")
    parser.add_argument("--each", type=int, default=8, help="curves of each kind (8)")
    parser.add_argument("--seed", type=int, default=11, help="seed of the curves (11)")
    parser.add_argument("--only", default="", help="labels of candidates, with commas: all")
    chosen = parser.parse_args()
    specs = candidates()
    if chosen.only:
        specs = {label: specs[label] for label in chosen.only.split(",")}
    table = tune(specs, worlds(chosen.each, chosen.seed))
    print(compared(table).round(4).to_string())
    for column in ("ll", "rmsle"):
        by_kind = table.pivot_table(index="spec", columns="kind", values=column)
        print(f"\n{column}\n{by_kind.round(4).to_string()}")


if __name__ == "__main__":
    main()
