"""Factors on the physical model of MuJoCo Warp, world by world, all on its device.

A model array that is scaled gets a row per world ("expanded"); until then all worlds share one. Of what MuJoCo derives
from the model, subtree masses, inverse weights of bodies and joints, and the actuators' unit accelerations are computed
anew per world (`set_const`) when masses, inertias or armatures change. Only `stat.meaninertia`, by which the solver
scales when it stops, stays that of the nominal model; so do the bounds of unscaled shapes.
"""

from typing import Any

import mujoco
import numpy as np

from roarm_lab.core.arrays import Array
from roarm_lab.sim.model_scaling import MODEL_FIELDS, Part, parts_of, rows_of
from roarm_lab.sim.warp_device import WarpDevice

INERTIAL = ("body_mass", "body_inertia", "dof_armature")
"""Arrays from which MuJoCo derives others."""
DERIVED = ("body_subtreemass", "body_invweight0", "dof_invweight0", "actuator_acc0")
"""What is derived from them."""


class WarpScaling:
    """The factors of all worlds. Two fields that share an array (mass and size: inertia) multiply."""

    def __init__(
        self, device: WarpDevice, model: mujoco.MjModel, worlds: tuple[Any, Any], boxes: tuple[str, ...]
    ) -> None:
        """Hold what is scaled.

        Args:
            device: Where.
            model: The nominal model.
            worlds: MuJoCo Warp's model, which is changed, and data.
            boxes: Names of the boxes.
        """
        self._device, self._model, self._boxes = device, model, boxes
        self._warp_model, self._data = worlds
        self._nominal: dict[str, Any] = {}
        self._factors: dict[str, dict[str, Any]] = {}
        """MuJoCo array to model field to factors [env, row]."""
        self._now: dict[str, Any] = {}
        """Expanded arrays as tensors [env, row, ...] that share their memory."""
        self._index: dict[tuple[str, str, tuple[str, ...]], Any] = {}
        moves = (model.body_invweight0 != 0.0).astype(np.float32)
        self._moves = device.torch.as_tensor(moves, device=device.name)
        self.is_stale = False
        """Whether `settle` has something to do."""

    def field(self, field: str, names: tuple[str, ...] = ()) -> Array:
        """Return a model field [env, element, ...] as each world has it now; no names means all elements."""
        part = parts_of(field)[0]
        rows = self._rows(field, part, names)
        values = self._now[part.array] if part.array in self._now else self._nominal_of(part.array)
        picked = values[(slice(None), rows, *part.column)]
        return picked.expand(self._data.nworld, *picked.shape[1:]).clone()

    def scale(self, field: str, factor: Array, mask: Array, names: tuple[str, ...] = ()) -> None:
        """Set elements of a field to nominal times factor [env, 1] in the worlds of a mask [env].

        Factors that are tensors already are not looked at, which would wait for the GPU.
        """
        for part in parts_of(field):
            if hasattr(self._warp_model, part.array):  # it has no bounding volume hierarchy to keep
                self._scale(field, part, factor, mask[:, None], self._rows(field, part, names))

    def box_scale(self) -> Array:
        """Return the size of the boxes against the nominal one [env, box]."""
        factors = self._factors.get("geom_size", {}).get("box_size")
        if factors is None:
            shape = (self._data.nworld, len(self._boxes))
            return self._device.torch.ones(shape, device=self._device.name)
        return factors[:, self._rows("box_size", MODEL_FIELDS["box_size"][0], ())].clone()

    def settle(self) -> None:
        """Recompute what MuJoCo derives from the model, if that has changed. What is in `data` must be thrown away."""
        if self.is_stale:
            self._device.run("set_const", self.set_const)
            self.correct()
            self.is_stale = False

    def set_const(self) -> None:
        """Recompute it now. The nominal model's constants come from here too, so that a factor of 1 changes no bit."""
        self._device.mjw.set_const(self._warp_model, self._data, restore=False)

    def correct(self) -> None:
        """Put right what `set_const` does otherwise than MuJoCo, once it is done.

        A body that only turns about an axis through its centre of mass has no inverse weight of translation in MuJoCo;
        Warp gives it the one of rotation.
        """
        self._device.wp.to_torch(self._warp_model.body_invweight0).mul_(self._moves)

    def _scale(self, field: str, part: Part, factor: Array, mask: Array, rows: Any) -> None:
        torch = self._device.torch
        values, nominal = self._expanded(part.array), self._nominal_of(part.array)
        tables = self._factors.setdefault(part.array, {})
        if field not in tables:
            tables[field] = torch.ones(values.shape[:2], device=values.device)
        table = tables[field]
        table[:, rows] = torch.where(mask, factor**part.power, table[:, rows])
        product = torch.ones_like(table[:, rows])
        for other in tables.values():
            product = product * other[:, rows]
        plain = nominal[(slice(None), rows, *part.column)]
        values[(slice(None), rows, *part.column)] = plain * product.reshape(
            *product.shape, *[1] * (plain.ndim - product.ndim)
        )
        self.is_stale = self.is_stale or part.array in INERTIAL

    def _expanded(self, array: str) -> Any:
        """Return an array with a row per world; what is derived from it gets one too."""
        if array not in self._now:
            for name in (array, *DERIVED) if array in INERTIAL else (array,):
                if name not in self._now:
                    self._expand(name)
            self._device.forget()
        return self._now[array]

    def _expand(self, array: str) -> None:
        old = getattr(self._warp_model, array)
        values = self._nominal_of(array)
        repeated = values.repeat(self._data.nworld, *[1] * (values.ndim - 1)).contiguous()
        self._now[array] = repeated
        setattr(self._warp_model, array, self._device.wp.from_torch(repeated, dtype=old.dtype))

    def _nominal_of(self, array: str) -> Any:
        """Return an array of the nominal model [1, row, ...]."""
        if array not in self._nominal:
            self._nominal[array] = self._device.wp.to_torch(getattr(self._warp_model, array))[:1].clone()
        return self._nominal[array]

    def _rows(self, field: str, part: Part, names: tuple[str, ...]) -> Any:
        """Return the rows of named elements; kept, because a copy to a GPU waits for it."""
        key = (field, part.array, names)
        if key not in self._index:
            rows = rows_of(self._model, self._boxes, field, part, names)
            self._index[key] = self._device.torch.as_tensor(rows, device=self._device.name)
        return self._index[key]
