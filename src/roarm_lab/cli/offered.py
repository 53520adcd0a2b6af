"""What installed packages offer, in words for a help text; nothing of it is loaded."""

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.object_references import offered, package_of


def offered_in_words(noun: str) -> str:
    """Return a paragraph about the tasks or robots of installed packages; nothing where there are none."""
    try:
        found = offered(f"roarm_lab.{noun}s")
    except BadInputError as error:
        return f"\n\n{error}"
    if not found:
        return ""
    lines = (f"  {name}  ({package_of(entry)})" for name, entry in found.items())
    return "\n".join((f"\n\n{noun}s of installed packages:", *lines))
