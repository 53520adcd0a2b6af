"""What others call our joints, and in which order they list them."""

from collections.abc import Iterable, Sequence

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.robot import Robot

POSITION_SUFFIX = ".pos"
"""LeRobot calls the value of joint `base` `base.pos`; it may be left out or added to any name."""


def to_ours(robot: Robot, names: Iterable[str]) -> tuple[str, ...]:
    """Return our names of the joints called `names`, in the same order. Naming schemes may be mixed.

    Raises:
        UnknownNameError: No scheme has such a name; says the closest one.
        BadInputError: Two of the names mean the same joint.
    """
    table = _table(robot)
    ours: dict[str, str] = {}
    for name in names:
        plain = name.removesuffix(POSITION_SUFFIX)
        if plain not in table:
            raise UnknownNameError(f"joint of {robot.name}", name, table)
        joint = table[plain]
        if joint in ours:
            raise BadInputError(
                f"{ours[joint]!r} and {name!r} are both joint {joint!r} of {robot.name!r}. Name every joint once."
            )
        ours[joint] = name
    return tuple(ours)


def order(robot: Robot, names: Sequence[str]) -> list[int]:
    """Return where each of our joints stands in `names`, so that `values[..., order]` is in our order.

    Raises:
        UnknownNameError: No scheme has such a name; says the closest one.
        BadInputError: A joint is named twice or not at all.
    """
    ours = to_ours(robot, names)
    missing = [joint for joint in robot.joint_names if joint not in ours]
    if missing:
        raise BadInputError(f"The names {', '.join(names)} leave out of {robot.name!r}: {', '.join(missing)}.")
    return [ours.index(joint) for joint in robot.joint_names]


def in_scheme(robot: Robot, scheme: str) -> tuple[str, ...]:
    """Return the names of all joints in a naming scheme, in our order.

    Raises:
        UnknownNameError: The robot has no such scheme.
    """
    schemes = dict(robot.aliases)
    if scheme not in schemes:
        raise UnknownNameError("naming scheme", scheme, schemes)
    return schemes[scheme]


def _table(robot: Robot) -> dict[str, str]:
    """Return every known name and our name for it.

    Raises:
        BadInputError: A name means different joints in two schemes, or a scheme does not name every joint.
    """
    table = {name: name for name in robot.joint_names}
    for scheme, names in robot.aliases:
        if len(names) != len(robot.joints):
            raise BadInputError(
                f"Scheme {scheme!r} of {robot.name!r} has {len(names)} names for {len(robot.joints)} joints."
            )
        for theirs, ours in zip(names, robot.joint_names, strict=True):
            if table.setdefault(theirs, ours) != ours:
                raise BadInputError(f"{theirs!r} of scheme {scheme!r} means {ours!r} and {table[theirs]!r}.")
    return table
