"""Write the simulated ladder that ships, and the truth it was made from."""

import json
from pathlib import Path

import numpy as np

from bayeslaw.simulation import simulate

HERE = Path(__file__).parent
SEED = 20_260_101
TRUTH = {
    "north": {"E": 1.70, "A": 420.0, "B": 900.0, "alpha": 0.34, "beta": 0.32},
    "south": {"E": 1.85, "A": 300.0, "B": 1100.0, "alpha": 0.32, "beta": 0.33},
    "west": {"E": 1.60, "A": 500.0, "B": 1000.0, "alpha": 0.35, "beta": 0.325},
}
NOISE = {"run_sd": 0.003, "checkpoint_sd": 0.001}


def main() -> None:
    """Simulate three families, five sizes, two data ratios, two seeds, four checkpoints."""
    sizes = np.repeat([3e7, 1e8, 3e8, 1e9, 3e9], 2)
    ratio = np.tile([10.0, 60.0], 5)
    n = len(sizes)
    truth = {k: np.repeat([t[k] for t in TRUTH.values()], n) for k in TRUTH["north"]}
    runs = simulate(
        "chinchilla",
        truth,
        params=np.tile(sizes, len(TRUTH)),
        tokens=np.tile(sizes * ratio, len(TRUTH)),
        family=np.repeat(list(TRUTH), n),
        seeds=2,
        checkpoints=4,
        seed=SEED,
        **NOISE,
    )
    columns = ["family", "run", "seed", "params", "tokens", "loss"]
    runs.table[columns].to_csv(HERE / "simulated_ladder.csv", index=False, float_format="%.6g")
    facts = {"law": "chinchilla", "seed": SEED, "noise": NOISE, "families": TRUTH}
    (HERE / "simulated_ladder.json").write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
