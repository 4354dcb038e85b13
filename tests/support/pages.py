"""Code blocks of the documentation that tests run."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def block(page: str, name: str) -> str:
    """Return the code block of a page that is marked with a name."""
    marked = rf'^```\w+ {{test="{name}"}}\n(.*?)^```'
    (found,) = re.findall(marked, (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    return str(found)
