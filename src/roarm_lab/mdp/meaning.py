"""What a term means in words, for whoever has a policy's contract and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from inspect import cleandoc
from typing import Any, ClassVar, cast

from roarm_lab.core.configs import Range
from roarm_lab.mdp.scene import Scene

TURNED = (
    "Its components are those of the world frame turned by minus q, the measured angle of the joint {joint}: "
    "x' = cos(q) x + sin(q) y, y' = cos(q) y - sin(q) x, z' = z."
)
"""How a vector is given in the frame that turns with the base."""


@dataclass(frozen=True, kw_only=True)
class ExplainedTerm:
    """A term that a contract explains. Its class says it once; its own numbers are put in.

    A class without words of its own is explained by the first line of its docstring; those of its parent mean the
    parent.
    """

    says: ClassVar[str]
    """Frame, axes, unit, sign and rule. `{name}` stands for a field of the term, or for one of `facts`."""

    def meaning(self, scene: Scene) -> str:
        """Return what the term means in a scene, so that it can be carried out from this text alone."""
        kind = type(self)
        if "says" not in vars(kind):
            return cleandoc(kind.__doc__ or kind.__name__).splitlines()[0]
        return kind.says.format(**self.words(scene))

    def words(self, scene: Scene) -> dict[str, str]:
        """Return what is put in, by name."""
        return {part.name: in_words(getattr(self, part.name)) for part in fields(self)} | dict(self.facts(scene))

    def facts(self, scene: Scene) -> Mapping[str, str]:
        """Return what only the scene knows, by name."""
        del scene
        return {}


def in_words(value: object) -> str:
    """Return a field as a person writes it: numbers short, a range as `low to high`, names with commas between."""
    match value:
        case Range():
            return f"{value.low:.6g} to {value.high:.6g}"
        case float():
            return f"{value:.6g}"
        case tuple():
            return ", ".join(in_words(item) for item in cast("tuple[Any, ...]", value)) or "all"
        case _:
            return str(value)


def touch_in_words(scene: Scene) -> str:
    """Return when a jaw counts as touching a box."""
    jaws = "; ".join(f"{link}: {', '.join(names)}" for link, names in scene.gripping_faces.items())
    return (
        "A jaw touches a box when the simulator lists at least one contact between the box and any of the jaw's "
        f"gripping faces, however small its force. The jaws and their faces (geoms of the exported model): {jaws}."
    )
