"""The documentation: ``uv run --group docs sphinx-build -W notebooks site``."""

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import pages  # noqa: E402

import bayeslaw  # noqa: E402

project = "bayeslaw"
author = "the bayeslaw authors"
version = release = bayeslaw.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "myst_nb"]
exclude_patterns = ["**.ipynb_checkpoints"]

html_theme = "furo"
html_title = f"bayeslaw {version}"

myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"  # notebooks are stored with the outputs of their last run

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
# Of frozen values attributes are what they are made of.
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_rtype = False


def setup(app: Any) -> None:
    """Write the generated pages before Sphinx looks for sources."""
    app.add_config_value("pictures", True, "env")  # -D pictures=0 leaves the gallery's out
    app.connect("builder-inited", pages.write)
    # Before napoleon reads them.
    app.connect("autodoc-process-docstring", pages.tidy_docstring, priority=400)
