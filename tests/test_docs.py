"""The documentation builds without a warning."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_page_builds_and_every_plot_and_public_name_is_on_one(tmp_path):
    # The gallery's pictures are drawn by its own tests.
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-D", "pictures=0"]
    done = subprocess.run(
        [*command, "-d", tmp_path / "cache", "notebooks", tmp_path / "site"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    import bayeslaw

    reference = (tmp_path / "site" / "generated" / "reference.html").read_text()
    public = set(dir(bayeslaw)) - {"laws", "plots", "__version__"}
    missing = [n for n in sorted(public) if f'id="bayeslaw.{n}"' not in reference]
    missing += [n for n in bayeslaw.plots.__all__ if f'id="bayeslaw.plots.{n}"' not in reference]
    assert missing == []
