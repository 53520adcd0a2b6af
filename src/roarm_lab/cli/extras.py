"""Optional packages: which extra brings which, and what is missing, named all at once."""

from importlib.util import find_spec

from roarm_lab.core.errors import MissingError

PACKAGES: dict[str, tuple[str, ...]] = {
    "train": ("onnx", "stable_baselines3", "tensorboard", "torch"),
    "rsl-rl": ("rsl_rl", "tensordict"),
    "skrl": ("skrl",),
    "sweep": ("ray",),
    "wandb": ("wandb",),
    "gpu": ("mujoco_warp", "warp"),
    "cameras": ("cv2",),
    "teleop": ("hid", "pygame"),
    "serve": ("prometheus_client",),
    "mcp": ("mcp",),
}
"""Extra -> the packages that are imported of it."""
BRINGS: dict[str, tuple[str, ...]] = {
    "rsl-rl": ("train",),
    "skrl": ("train",),
    "sweep": ("train",),
    "wandb": ("train",),
}
"""Extra -> the extras that come with it."""
HINTS = {"gpu": "On the CPU, mujoco_cpu does the same"}
"""Extra -> what goes without it."""


def extra_of(package: str) -> str | None:
    """Return the extra that brings a package; None for one of the default install."""
    return next((extra for extra, packages in PACKAGES.items() if package in packages), None)


def require(*extras: str) -> None:
    """Check that everything is installed that some extras bring, before anything is begun.

    The extra `gpu` is named with others, but is no reason alone: whether it is needed, the simulator knows better.

    Raises:
        MissingError: Something is not; all of it is named, and how to install it.
    """
    missing = [package for extra in _whole(extras) for package in PACKAGES[extra] if not _installed(package)]
    if not set(missing) <= set(PACKAGES["gpu"]):
        raise MissingError(missing_text(missing))


def missing_text(packages: list[str]) -> str:
    """Return what to say about packages that are not installed."""
    extras = {extra for package in packages if (extra := extra_of(package)) is not None}
    brought = {other for extra in extras for other in BRINGS.get(extra, ())}
    wanted = ",".join(sorted(extras - brought))
    named = ", ".join(repr(package) for package in packages)
    what, are = ("package", "is") if len(packages) == 1 else ("packages", "are")
    install = f"roarm-lab[{wanted}]" if wanted else "roarm-lab"
    hints = "".join(f". {HINTS[extra]}" for extra in sorted(extras) if extra in HINTS)
    return f"This needs the Python {what} {named}, which {are} not installed. Type: pip install '{install}'{hints}"


def missing_beside(package: str) -> list[str]:
    """Return a package that was found missing, and all others that are missing of the same extra."""
    extra = extra_of(package)
    return [package] + [
        other for other in (PACKAGES[extra] if extra else ()) if other != package and not _installed(other)
    ]


def extras_of_training(trainer: str | None, backend: str | None, *, gpus: int = 1, wandb: bool = False) -> list[str]:
    """Return the extras that a training needs; None stands for what is chosen by itself."""
    usual = "rsl_rl" if backend == "mujoco_warp" or gpus > 1 else "sb3"
    of_trainer = {"sb3": "train", "rsl_rl": "rsl-rl", "skrl": "skrl"}[trainer or usual]
    return [of_trainer, *["gpu"] * (backend == "mujoco_warp"), *["wandb"] * wandb]


def _whole(extras: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(each for extra in extras for each in (*BRINGS.get(extra, ()), extra)))


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # a package that says of itself that it can not be found
        return False
