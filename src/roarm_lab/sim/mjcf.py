"""A model as MJCF that other programs read as well: MuJoCo's own text, with what it leaves out put back.

MuJoCo 4.0 writes six digits, position servos as general actuators, and attributes that MuJoCo 3 does not know: 3.12 and
older refuse its text, and Newton finds no gains in it.
"""

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

import mujoco
import numpy as np

_EXACT: dict[str, dict[str, str]] = {
    "body": {"pos": "pos", "quat": "quat"},
    "inertial": {"pos": "ipos", "quat": "iquat", "mass": "mass", "diaginertia": "inertia"},
    "geom": {name: name for name in ("size", "pos", "quat", "friction", "solref", "solimp")},
    "site": {"size": "size", "pos": "pos", "quat": "quat"},
    "camera": {"pos": "pos", "quat": "quat"},
    "light": {"pos": "pos", "dir": "dir"},
    "joint": {name: name for name in ("range", "armature", "damping", "frictionloss")},
    "position": {"ctrlrange": "ctrlrange", "forcerange": "forcerange"},
    "key": {"qpos": "qpos", "ctrl": "ctrl"},
}
"""By element and attribute: the compiled model's name of the same numbers."""


def mjcf_of(spec: mujoco.MjSpec) -> str:
    """Return a scene whose actuators are position servos on hinges as MJCF for MuJoCo 3.2 and newer, to the last digit.

    A servo's torque limit stands at its joint too, the only place where some readers look. Where both are read it
    changes nothing.
    """
    model = spec.compile()  # refuses a broken model and fills in what the text needs
    root = ET.fromstring(spec.to_xml())  # noqa: S314 (MuJoCo has just written it)
    root[:] = [part for part in root if part.tag != "size"]  # how many keyframes there are, shows
    for texture in root.iterfind("asset/texture[@colorspace='auto']"):
        del texture.attrib["colorspace"]
    for general in root.iterfind("actuator/general"):
        _make_servo(general, model.actuator(general.attrib["name"]))
    for body in root.iter("body"):
        _write_exactly(body.findall("inertial"), model.body(body.attrib["name"]))
    for element in root.iterfind(".//*[@name]"):
        if element.tag in _EXACT:
            view = model.actuator if element.tag == "position" else getattr(model, element.tag)
            _write_exactly([element], view(element.attrib["name"]))
    for servo in root.iterfind("actuator/position"):
        joint = root.find(f".//joint[@name='{servo.attrib['joint']}']")
        assert joint is not None, "a servo of a compiled model has its joint"
        joint.set("actuatorfrcrange", servo.attrib["forcerange"])
    return ET.tostring(root, encoding="unicode") + "\n"


def _make_servo(actuator: ET.Element, view: Any) -> None:
    """Make a general actuator the position servo that it is: torque = kp (target - angle) - kv speed."""
    assert view.gainprm[0] == -view.biasprm[1], "every actuator is a position servo"
    actuator.tag = "position"
    for name in ("input", "biastype", "gainprm", "biasprm"):
        actuator.attrib.pop(name, None)
    actuator.set("kp", _numbers(view.gainprm[:1]))
    actuator.set("kv", _numbers(-view.biasprm[2:3]))


def _write_exactly(elements: Iterable[ET.Element], view: Any) -> None:
    """Write the numbers of elements again, as many of each as there were: the rest are defaults."""
    for element in elements:
        for attribute, field in _EXACT[element.tag].items():
            if attribute in element.attrib:
                count = len(element.attrib[attribute].split())
                element.set(attribute, _numbers(np.ravel(getattr(view, field))[:count]))


def _numbers(values: Iterable[float]) -> str:
    """Return numbers as short as they can be without another one being read."""
    return " ".join(repr(float(value) + 0.0).removesuffix(".0") for value in values)
