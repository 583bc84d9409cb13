"""How Sphinx builds these pages: ``python -m sphinx -n -W -b html docs docs/_build/html``.

Nothing is fetched: names of other projects stay plain text, names of cityid become links.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import cityid

project = "cityid"
author = "The cityid authors"
project_copyright = "2026, The cityid authors"
version = release = cityid.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"cityid {release}"
html_show_sourcelink = False
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "py:obj"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Spec"]


def resolve_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: Element
) -> Element | None:
    """Find what a docstring names briefly: `Resolver` is ``cityid.did.Resolver``.

    An argument, or a name of another project, stays text. A name that begins with ``cityid.`` and
    does not exist is reported, as ``-n`` asks.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].lstrip("~.")
    known: dict[str, Any] = env.get_domain("py").data["objects"]
    parts = target.split(".")
    for suffix in (".".join(parts[start:]) for start in range(len(parts))):
        places = {
            (entry.docname, entry.node_id)
            for name, entry in known.items()
            if name.endswith(f".{suffix}")
        }
        if len(places) == 1:
            docname, anchor = places.pop()
            uri = app.builder.get_relative_uri(node["refdoc"], docname)
            return nodes.reference("", "", contnode, internal=True, refuri=f"{uri}#{anchor}")
    return contnode if parts[0] != "cityid" or _exists(parts) else None


def _exists(parts: list[str]) -> bool:
    try:
        value = pkgutil.resolve_name(".".join(parts))
    except (ImportError, AttributeError):
        return False
    return value is not None


def plain_signature(*event: Any) -> tuple[str | None, str | None]:
    """Leave out what is private in the signature of a class, and write types by their names."""
    _app, what, _name, _object, _options, signature, returns = event
    if what == "class" and signature and "Secret[" in signature:
        return "", returns  # made by functions, not by callers
    if what == "class" and signature:
        short = re.sub(r"~?\b(?:[A-Za-z_]\w*\.)+(\w+)", r"\1", signature[1:-1])
        shown = [part for part in _parameters(short) if not re.match("_|seal:", part)]
        signature = re.sub("<factory>|<object object>", "...", f"({', '.join(shown)})")
    return signature, returns


def _parameters(text: str) -> list[str]:
    """Split a list of parameters at the commas that are in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def setup(app: Sphinx) -> None:
    """Register what makes the API pages readable."""
    app.connect("missing-reference", resolve_short_name)
    app.connect("autodoc-process-signature", plain_signature)
