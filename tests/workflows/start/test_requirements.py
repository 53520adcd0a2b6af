"""Versions that are needed and versions that were tested: every one of the former has one of the latter."""

import pytest

from roarm_lab.workflows.start.requirements import (
    constraint_file,
    numbers,
    pinned_versions,
    requirements,
    without_build,
)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_every_requirement_has_a_tested_version_for_every_python(version: tuple[int, int]) -> None:
    pins = pinned_versions(constraint_file(version))
    wanted = requirements()
    assert {"numpy", "mujoco", "torch"} <= wanted.keys()
    assert "pytest" not in wanted
    assert not [name for name in wanted if name not in pins]
    assert not [name for name, (minimum, _) in wanted.items() if numbers(pins[name]) < numbers(minimum)]


def test_a_python_without_a_file_has_no_tested_versions() -> None:
    assert constraint_file((3, 99)) is None
    assert pinned_versions(None) == {}


def test_versions_are_compared_as_numbers() -> None:
    assert numbers("3.9.2") < numbers("3.17")
    assert numbers("2.13.0rc1") == (2, 13, 0)
    assert without_build("2.13.0+cpu") == "2.13.0"
