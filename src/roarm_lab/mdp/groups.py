"""Terms bound together: the action vector, and groups of observations with noise, delay and history.

The environment and the loop on an arm use these same classes, so a policy sees and does the same in both.
"""

from collections.abc import Mapping

from roarm_lab.core.arrays import Array, array_namespace, columns
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import ActionTerm, ObservationTerm


class ActionGroup:
    """All action terms: they share the action vector, in order, and each joint belongs to at most one of them."""

    def __init__(self, terms: Mapping[str, ActionTerm], scene: Scene) -> None:
        self._parts = [(term.size(scene), term.joints(scene), term.bind(scene)) for term in terms.values()]
        self.size = sum(size for size, _, _ in self._parts)
        owners: dict[int, str] = {}
        for name, term in terms.items():
            for joint in term.joints(scene):
                if joint in owners:
                    raise BadInputError(
                        f"Actions {owners[joint]!r} and {name!r} both move joint {scene.robot.joint_names[joint]!r}."
                    )
                owners[joint] = name
        moved = [joint for _, joints, _ in self._parts for joint in joints]
        still = [joint for joint in range(len(scene.robot.joints)) if joint not in moved]
        self._order = [(moved + still).index(joint) for joint in range(len(scene.robot.joints))]
        self._still = still

    def goal(self, state: State, action: Array) -> Array:
        """Return requested joint angles [env, joint] rad; joints without an action keep their last target."""
        xp = array_namespace(action)
        goals: list[Array] = []
        start = 0
        for size, _, function in self._parts:
            goals.append(function(state, action[:, start : start + size]))
            start += size
        goals.append(columns(state.joint_target, self._still))
        return columns(xp.concat(goals, axis=1), self._order)


class ObservationGroup:
    """Terms side by side. It remembers past values, so `push` must be called once per control step."""

    def __init__(self, terms: Mapping[str, ObservationTerm], scene: Scene) -> None:
        self.names = tuple(terms)
        self._terms = dict(terms)
        self._functions = {name: term.bind(scene) for name, term in terms.items()}
        self._widths = {name: len(term.components(scene)) for name, term in terms.items()}
        self._delays = {name: round(term.delay_s / scene.control_dt_s) for name, term in terms.items()}
        self._lengths = {name: round(term.history_s / scene.control_dt_s) + 1 for name, term in terms.items()}
        self._past: dict[str, tuple[Array, ...]] = {}

    @property
    def sizes(self) -> dict[str, int]:
        """How many numbers each term gives, its history counted in."""
        return {name: self._widths[name] * self._lengths[name] for name in self.names}

    @property
    def noise_draws(self) -> int:
        """How many normal numbers each world needs per step (0 without noise)."""
        return sum(self._widths[name] for name in self.names if self._terms[name].noise_std > 0.0)

    def carried(self) -> dict[str, tuple[Array, ...]]:
        """Return the arrays that a step leaves for the next one: the past of each term."""
        return self._past

    def carry(self, arrays: dict[str, tuple[Array, ...]]) -> None:
        """Go on from other arrays."""
        self._past = arrays

    def push(self, state: State, noise: Array | None = None, fresh: Array | None = None) -> dict[str, Array]:
        """Take in a new moment and return every term [env, size], scaled, delayed, with history.

        Args:
            state: The moment.
            noise: Standard normal numbers [env, noise_draws]; None for none.
            fresh: bool [env], worlds that begin an episode: their past becomes this moment. None means all of them.
        """
        self._past = {name: self._remember(name, value, fresh) for name, value in self._now(state, noise).items()}
        return self._seen()

    def restart(self, state: State, noise: Array | None, fresh: Array) -> dict[str, Array]:
        """Like `push`, but only for worlds that begin an episode; the others keep the moment they already have."""
        xp = array_namespace(fresh)
        for name, value in self._now(state, noise).items():
            self._past[name] = tuple(xp.where(fresh[:, None], value, old) for old in self._past[name])
        return self._seen()

    def _now(self, state: State, noise: Array | None) -> dict[str, Array]:
        values: dict[str, Array] = {}
        used = 0
        for name, function in self._functions.items():
            term, value = self._terms[name], function(state)
            if term.noise_std > 0.0 and noise is not None:
                value = value + term.noise_std * noise[:, used : used + self._widths[name]]
                used += self._widths[name]
            values[name] = value if term.scale == 1.0 else value * term.scale
        return values

    def _remember(self, name: str, value: Array, fresh: Array | None) -> tuple[Array, ...]:
        length = self._lengths[name] + self._delays[name]
        if name not in self._past or fresh is None:
            return (value,) * length
        past = (*self._past[name], value)[-length:]
        if length == 1:
            return past
        xp = array_namespace(value)
        return tuple(xp.where(fresh[:, None], value, old) for old in past)

    def _seen(self) -> dict[str, Array]:
        seen: dict[str, Array] = {}
        for name, past in self._past.items():
            shown = past[: self._lengths[name]]
            seen[name] = shown[0] if len(shown) == 1 else array_namespace(shown[0]).concat(shown, axis=1)
        return seen
