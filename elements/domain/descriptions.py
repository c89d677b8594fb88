"""Tell whether two descriptions by AWS say the same; AWS promises no order of what it lists."""

import zlib
from xml.etree import ElementTree


def same(one: bytes, other: bytes) -> bool:
    """Compare two compressed descriptions; what cannot be read is taken for different."""
    if one == other:
        return True
    if not one or not other:
        return False
    try:
        return _sorted(one) == _sorted(other)
    except (ElementTree.ParseError, zlib.error):
        return False


def _sorted(compressed: bytes) -> object:
    # it was read before it was kept, by a parser that lets no entity in
    return _form(ElementTree.fromstring(zlib.decompress(compressed)))  # noqa: S314


def _form(node: ElementTree.Element) -> tuple[object, ...]:
    """Return a node as what compares equal in any order of its children; space between them says nothing."""
    children = sorted((_form(child) for child in node), key=repr)
    text = node.text or ""
    return node.tag, tuple(sorted(node.items())), text if not children else text.strip(), tuple(children)
