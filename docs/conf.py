"""How Sphinx builds the site: `make docs`, offline, into site/."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import fastapi_tasks
from docs.made import make_all

make_all()

project = "fastapi-tasks-timeline"
author = "The contributors to fastapi-tasks-timeline"
project_copyright = author
version = release = fastapi_tasks.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_static", "made/*.svg"]
suppress_warnings = ["myst.header", "myst-nb.mime_priority"]
nitpicky = False

# Our docstrings are plain prose with backticks.
default_role = "code"
add_module_names = False
python_use_unqualified_type_names = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"

nb_execution_mode = "off"  # the notebooks keep the outputs of their last run
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"fastapi-tasks-timeline {version}"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": False}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
