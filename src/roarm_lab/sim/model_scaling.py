"""Factors on the physical model, world by world: what may be scaled, and which MuJoCo arrays follow together."""

from typing import Any, NamedTuple

import mujoco
import numpy as np
from mujoco import batch
from numpy.typing import NDArray

from roarm_lab.core.arrays import Array, Float32, is_torch_array
from roarm_lab.core.errors import BadInputError, UnknownNameError


class Part(NamedTuple):
    """A MuJoCo array that follows a model field."""

    array: str
    of: str
    """What its rows are: body, joint (one row per degree of freedom), actuator, geom or bvh."""
    column: tuple[int, ...] = ()
    """The column that is scaled; none means all."""
    power: int = 1
    """The array is scaled by the factor to this power."""


MODEL_FIELDS: dict[str, tuple[Part, ...]] = {
    "body_mass": (Part("body_mass", "body"), Part("body_inertia", "body")),
    "dof_damping": (Part("dof_damping", "joint"),),
    "dof_armature": (Part("dof_armature", "joint"),),
    "dof_frictionloss": (Part("dof_frictionloss", "joint"),),
    # force = gain * target + bias * angle: stiffness is both, with opposite signs.
    "actuator_stiffness": (Part("actuator_gainprm", "actuator", (0,)), Part("actuator_biasprm", "actuator", (1,))),
    "geom_friction": (Part("geom_friction", "geom"),),
    # At the same mass, inertia grows with the square of the size. Bounding volumes decide what is tested for contact.
    "box_size": (
        Part("geom_size", "geom"),
        Part("geom_rbound", "geom"),
        Part("geom_aabb", "geom"),
        Part("bvh_aabb", "bvh"),
        Part("body_inertia", "body", power=2),
    ),
}
"""What may be scaled. Elements are named as bodies, joints, actuators or geoms; `box_size` by the names of boxes."""


class ModelScaling:
    """The factors of all worlds. Two fields that share an array (mass and size: inertia) multiply."""

    def __init__(self, model: mujoco.MjModel, worlds: batch.Batch, boxes: tuple[str, ...]) -> None:
        self._model, self._batch, self._boxes = model, worlds, boxes
        self._factors: dict[str, dict[str, NDArray[np.float64]]] = {}
        """MuJoCo array to model field to factors [env, row]."""
        self._stale = np.zeros(worlds.nsim, dtype=bool)

    def field(self, field: str, names: tuple[str, ...] = ()) -> Float32:
        """Return a model field [env, element, ...] as each world has it now; no names means all elements."""
        part = parts_of(field)[0]
        rows = self._rows(field, part, names)
        if part.array in self._factors:
            values = self._batch.expand(part.array)
        else:
            nominal = np.asarray(getattr(self._model, part.array))
            values = np.broadcast_to(nominal, (self._batch.nsim, *nominal.shape))
        return np.array(values[(slice(None), rows, *part.column)], dtype=np.float32)

    def scale(self, field: str, factor: Array, worlds: NDArray[np.int64], names: tuple[str, ...] = ()) -> None:
        """Set elements of a field to nominal times factor [len(worlds), 1]; no names means all elements."""
        check_factors(field, factor)
        factors = np.asarray(factor, dtype=np.float64).reshape(-1, 1)
        for part in parts_of(field):
            self._scale(field, part, factors, worlds[:, None], self._rows(field, part, names))
        self._stale[worlds] = True

    def box_scale(self) -> Float32:
        """Return the size of the boxes against the nominal one [env, box]."""
        factors = self._factors.get("geom_size", {}).get("box_size")
        if factors is None:
            return np.ones((self._batch.nsim, len(self._boxes)), dtype=np.float32)
        return np.array(factors[:, self._rows("box_size", MODEL_FIELDS["box_size"][0], ())], dtype=np.float32)

    def settle(self) -> None:
        """Recompute what MuJoCo derives from the model, in the worlds whose model has changed."""
        if self._stale.any():
            self._batch.set_const(np.flatnonzero(self._stale))
            self._stale[:] = False

    def _scale(
        self, field: str, part: Part, factor: NDArray[np.float64], worlds: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> None:
        nominal = np.asarray(getattr(self._model, part.array))
        tables = self._factors.setdefault(part.array, {})
        if field not in tables:
            tables[field] = np.ones((self._batch.nsim, len(nominal)))
        tables[field][worlds, rows] = factor if part.power == 1 else factor**part.power
        product = np.ones((len(worlds), len(rows)))
        for table in tables.values():
            product = product * table[worlds, rows]
        values = nominal[(rows, *part.column)]
        wide = product.reshape(*product.shape, *[1] * (values.ndim - 1))
        self._batch.expand(part.array)[(worlds, rows, *part.column)] = values * wide

    def _rows(self, field: str, part: Part, names: tuple[str, ...]) -> NDArray[np.int64]:
        return rows_of(self._model, self._boxes, field, part, names)


def check_factors(field: str, factor: Array) -> None:
    """Refuse factors that make no sense. Tensors are not looked at, which would wait for a GPU.

    Raises:
        BadInputError: A factor is not positive and finite.
    """
    if not is_torch_array(factor):
        values = np.asarray(factor)
        if not np.all(np.isfinite(values) & (values > 0.0)):
            raise BadInputError(f"The factors on {field} must be positive and finite.")


def parts_of(field: str) -> tuple[Part, ...]:
    """Return the MuJoCo arrays that follow a model field.

    Raises:
        UnknownNameError: There is no such field.
    """
    if field not in MODEL_FIELDS:
        raise UnknownNameError("model field", field, MODEL_FIELDS)
    return MODEL_FIELDS[field]


def rows_of(
    model: mujoco.MjModel, boxes: tuple[str, ...], field: str, part: Part, names: tuple[str, ...]
) -> NDArray[np.int64]:
    """Return the rows of an array that belong to named elements of a field; no names means all.

    Raises:
        UnknownNameError: There is no such element.
    """
    if field == "box_size":
        for name in names:
            if name not in boxes:
                raise UnknownNameError("box", name, boxes)
        names = names or boxes
    elif not names:
        return np.arange(len(getattr(model, part.array)))
    return np.asarray([_row(model, part.of, name) for name in names], dtype=np.int64)


def _row(model: mujoco.MjModel, of: str, name: str) -> int:
    kind = "body" if of == "bvh" else of
    count = {"body": "nbody", "joint": "njnt", "actuator": "nu", "geom": "ngeom"}[kind]
    element: Any = getattr(model, kind)
    known = {str(element(index).name): index for index in range(getattr(model, count))}
    if name not in known:
        raise UnknownNameError(kind, name, [one for one in known if one])
    if of == "bvh":
        return int(model.body_bvhadr[known[name]])
    return int(model.jnt_dofadr[known[name]]) if of == "joint" else known[name]
