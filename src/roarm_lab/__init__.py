"""RoArm Lab: simulate, train and run policies for one affordable robot arm."""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roarm_lab.api import *  # noqa: F403


def __getattr__(name: str) -> object:
    """Return a public name of `roarm_lab.api`.

    Raises:
        AttributeError: There is no such name.
    """
    import roarm_lab.api as public  # noqa: PLC0415 (importing the package loads nothing)

    return getattr(public, name)


def __dir__() -> list[str]:
    import roarm_lab.api as public  # noqa: PLC0415 (likewise)

    return ["__version__", *public.__all__]
