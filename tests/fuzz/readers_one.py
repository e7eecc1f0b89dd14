"""One reader fuzzed in this process: python -m tests.fuzz.readers_one HOW READER COUNT DIR SEED."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Instrument the package if atheris is to steer, then fuzz."""
    how, name, count, folder, seed = sys.argv[1:]
    if how == "atheris":
        import atheris

        # Only our own modules: instrumented libraries would be slow, and are not under test.
        with atheris.instrument_imports(include=["bayeslaw"]):
            import bayeslaw.cli.targets
            import bayeslaw.design.ledger
            import bayeslaw.inference.store
            import bayeslaw.model.spec
            import bayeslaw.runs.formats
            import bayeslaw.runs.query  # noqa: F401

    from tests.fuzz.readers import atheris_run, random_run
    from tests.fuzz.targets import READERS

    place = Path(folder) / name.replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    reader = READERS[name]
    for data in reader.seeds():
        if not reader(data) and name != "fit file":
            sys.exit(f"the seed of {name} was refused: mutation would start from nothing")
    if how == "atheris":
        atheris_run(reader, int(count), int(seed), place)
    sys.exit(bool(random_run(reader, int(count), int(seed), place)))


if __name__ == "__main__":
    main()
