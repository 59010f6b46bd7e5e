"""Settings of the documentation site: `sphinx-build -W -b html docs out/docs`, or `make docs`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import kg  # noqa: E402

project = "paper-kg"
author = "The paper-kg maintainers"
project_copyright = "the paper-kg maintainers, Apache-2.0"
version = release = kg.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "_generate"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
default_role = "code"
# Generated sections begin at the level that their page needs; the lexers of SPARQL and Turtle lag behind.
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
highlight_language = "text"

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"paper-kg {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
# Pages work without a network: no fonts, scripts or formulas from elsewhere.
html_use_opensearch = ""
