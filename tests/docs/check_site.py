"""Check that a built site loads nothing from other servers: `python tests/docs/check_site.py build/site`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

LOADS = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\b(?:src|data)=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?=[^>]*rel=["']?(?:stylesheet|icon|preload|preconnect|prefetch))[^>]*?href=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|url\(["']?((?:https?:)?//[^"')]+)"""
)


def requests(site: Path) -> list[str]:
    """List what the pages and styles of a site would fetch from other servers."""
    found = []
    for file in sorted([*site.rglob("*.html"), *site.rglob("*.css")]):
        for match in LOADS.finditer(file.read_text("utf-8")):
            found.append(f"{file.relative_to(site)}: {next(filter(None, match.groups()))}")
    return found


if __name__ == "__main__":
    addresses = requests(Path(sys.argv[1]))
    print("\n".join(addresses) or f"{sys.argv[1]} loads nothing from other servers")
    sys.exit(bool(addresses))
