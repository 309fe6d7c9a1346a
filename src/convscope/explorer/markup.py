"""HTML and MathML as plain data, from which the page builds elements without parsing text."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree


def markup_tree(fragment: str) -> list[Any]:
    """Return a well-formed fragment as nested lists [tag, attributes, children…]; texts are strings.

    >>> markup_tree('<p class="a">x<b>y</b>z</p>')
    [['p', {'class': 'a'}, 'x', ['b', {}, 'y'], 'z']]
    """
    root = ElementTree.fromstring(f"<root>{fragment}</root>")
    return _tree(root)[2:]


def _tree(element: ElementTree.Element) -> list[Any]:
    children: list[Any] = [element.text] if element.text and element.text.strip() else []
    for child in element:
        children.append(_tree(child))
        if child.tail and child.tail.strip():
            children.append(child.tail)
    return [element.tag, dict(element.attrib), *children]
