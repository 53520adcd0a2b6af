"""A task with some of its fields changed, each named by its path: `rewards.near.weight`, `episode_s`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from roarm_lab.core.configs import override
from roarm_lab.core.errors import BadInputError, UnknownKeyError
from roarm_lab.envs.config import EnvConfig

PARTS = (
    "control_dt_s", "episode_s", "commands", "actions", "observations", "rewards", "events", "terminations",
    "curriculum", "success", "sim",
)  # fmt: skip
"""Fields of `EnvConfig` with which a path may begin. The arm, and what holds functions, are not changed this way."""
OPTIONS = {"sim.backend": "backend", "sim.device": "device", "sim.threads": "threads"}
"""Paths that have an option of their own."""


def with_changes(config: EnvConfig, changes: Mapping[str, Any], where: str) -> EnvConfig:
    """Return a task with other values at some paths, each checked against the type of what is there.

    Args:
        config: The task.
        changes: Path -> new value.
        where: Who says so, for errors.

    Raises:
        UnknownKeyError: A path leads nowhere.
        BadInputError: A value has the wrong type or makes no sense, or a path has an option of its own.
    """
    tree: dict[str, Any] = {}
    for path, value in changes.items():
        if path in OPTIONS:
            raise BadInputError(f"{where} {path} has an option of its own: `{OPTIONS[path]}=`.")
        if (head := path.partition(".")[0]) not in PARTS:
            raise UnknownKeyError(f"{where} {path}", head, PARTS)
        _put(tree, path, value, where)
    new = {name: override(getattr(config, name), part, f"{where} {name}") for name, part in tree.items()}
    try:
        changed = replace(config, **new)
    except BadInputError as error:
        raise BadInputError(f"{where} {', '.join(changes)}: {error}") from error
    if "rewards" in new:
        check_rewards(changed, f"{where} rewards.")
    return changed


def check_rewards(config: EnvConfig, where: str) -> None:
    """Refuse reward terms that name something that does not exist, before anything is written.

    Raises:
        BadInputError: Begins with `where` and the term's name.
    """
    scene = config.scene()
    for name, term in config.rewards.items():
        try:
            term.bind(scene)
        except BadInputError as error:
            raise BadInputError(f"{where}{name}: {error}") from None


def _put(tree: dict[str, Any], path: str, value: object, where: str) -> None:
    """Put a value at a path of nested tables."""
    *parents, last = path.split(".")
    for name in parents:
        inner: object = tree.setdefault(name, {})
        if not isinstance(inner, dict):
            raise BadInputError(f"{where} {path}: the whole of {name!r} is given besides; give one of them.")
        tree = cast("dict[str, Any]", inner)
    if last in tree:
        raise BadInputError(f"{where} {path}: parts of {last!r} are given besides; give one of them.")
    tree[last] = value
