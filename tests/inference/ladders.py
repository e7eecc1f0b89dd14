"""Small ladders that the tests of engines share."""

import numpy as np

from bayeslaw.laws import get_law
from bayeslaw.model import Checkpoints, Spec
from bayeslaw.runs import Runs
from bayeslaw.simulation import simulate

TRUTH = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
#: Laws of every shape: with and without a floor, in one input and in two.
TRUTHS = {
    "chinchilla": TRUTH,
    "kaplan": {"N_c": 8.8e13, "D_c": 5.4e13, "alpha_N": 0.076, "alpha_D": 0.095},
    "power_params": {"E": 1.7, "A": 400.0, "alpha": 0.34},
    "power_tokens": {"E": 1.7, "B": 410.0, "beta": 0.28},
    "power_flops": {"E": 1.7, "C": 2000.0, "gamma": 0.17},
}
LATE = Checkpoints(at_most=5)
POOLINGS = {
    "partial": {},
    "none": {"pool": "none"},
    "one shared": {"pool": {"E": "shared"}},
    "all shared": {"pool": "shared"},
    "no labs": {"labs": False},
}


def ladder(families: int = 3, checkpoints: int = 1, law: str = "chinchilla", seed: int = 4) -> Runs:
    """Eight runs per family, sizes times ratios, the families in two labs."""
    sizes = np.tile(np.repeat([3e7, 1e8, 3e8, 1e9], 2), families)
    ratio = np.tile([10.0, 60.0], 4 * families)
    names = np.repeat([f"family {i}" for i in range(families)], 8)
    runs = simulate(
        law, TRUTHS[law], params=sizes, tokens=ratio * sizes, family=names,
        checkpoints=checkpoints, seed=seed,
    )  # fmt: skip
    labs = runs.table["family"].map(lambda f: "x" if int(f[-1]) % 2 else "y")
    return runs.replace_table(runs.table.assign(lab=labs))


def spec_for(law: str, pooling: str = "partial", **settings: object) -> Spec:
    """Return a spec whose pooling words name parameters the law has; it keeps checkpoints."""
    chosen = dict(POOLINGS[pooling])
    if isinstance(chosen.get("pool"), dict) and "E" not in get_law(law).parameter_names:
        chosen["pool"] = {get_law(law).parameter_names[-1]: "shared"}
    return Spec(law, **chosen, **{"checkpoints": LATE} | settings)
