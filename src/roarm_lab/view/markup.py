"""Markup that escapes by default: what is not `Html` already is text, and text can not become a tag."""

from html import escape

from roarm_lab.core.shown import shown_text


class Html(str):
    """Markup that is safe to put into a page: made by `tag` or from literals, never from what a user wrote."""

    __slots__ = ()


def html(*parts: object) -> Html:
    """Return the parts one after another; those that are not `Html` are escaped, None is left out.

    Letters that can not be seen, as a folder's name may have them, are written as their numbers.
    """
    return Html("".join(part if isinstance(part, Html) else _escaped(part) for part in parts if part is not None))


def tag(name: str, *children: object, **attributes: object) -> Html:
    """Return an element with its children escaped by `html`, attribute values too; it always gets an end tag.

    Args:
        name: The element, for instance `td`.
        children: Text or `Html`; None is left out.
        attributes: `class_` is written `class`, other underscores become hyphens, None leaves an attribute out.
    """
    words = [
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    ]
    return Html(f"<{name}{''.join(words)}>{html(*children)}</{name}>")


def _escaped(part: object) -> str:
    return escape(shown_text(str(part)))
