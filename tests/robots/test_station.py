"""The station file: what is written is read again, and what can not be is refused by its name."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.gate_config import Workspace
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import MAX_OFFSET_RAD, Station, load_station, station_yaml

FULL = Station(
    robot="roarm_m3",
    name="bench",
    address="serial:/dev/ttyUSB0",
    usb_serial="0001",
    firmware="2026-07-01",
    calibration_rad={"base": 0.01, "elbow": -0.02},
    limits_rad={"base": (-1.0, 1.0)},
    workspace_m=Workspace(lower_w=(0.1, -0.3, 0.0), upper_w=(0.5, 0.3, 0.5)),
    table_height_m=-0.01,
    stop_file="/tmp/roarm-stop",
    cameras={"front": "usb:045e:097d:000123@2-1"},
)


def written(folder: Path, text: str) -> Path:
    path = folder / "station.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("station", [FULL, Station(robot="roarm_m3", table_height_m=None)])
def test_what_is_written_is_read_again(station: Station, tmp_path: Path) -> None:
    again = load_station(written(tmp_path, station_yaml(station)), ROARM_M3)
    assert again == station
    assert again.hash == station.hash


@given(
    offsets=st.dictionaries(st.sampled_from(ROARM_M3.joint_names), st.floats(-MAX_OFFSET_RAD, MAX_OFFSET_RAD)),
    name=st.text(st.characters(blacklist_categories=("Cs", "Cc"))),
    height_m=st.none() | st.floats(-1.0, 1.0),
)
def test_any_station_survives_its_file(
    offsets: dict[str, float], name: str, height_m: float | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    station = Station(robot="roarm_m3", name=name, calibration_rad=offsets, table_height_m=height_m)
    path = written(tmp_path_factory.mktemp("any"), station_yaml(station))
    assert load_station(path, ROARM_M3) == station


def test_the_hash_names_what_the_file_says_and_not_how(tmp_path: Path) -> None:
    short = load_station(written(tmp_path, "limits_rad: {base: [-1, 1]}\nrobot: roarm_m3\n"), ROARM_M3)
    assert short.hash == Station(robot="roarm_m3", limits_rad={"base": (-1.0, 1.0)}).hash
    assert len(short.hash) == 64
    assert short.hash != replace(short, limits_rad={"base": (-1.0, 1.1)}).hash


def test_a_station_becomes_rules_offsets_and_a_stop_source(tmp_path: Path) -> None:
    rules = FULL.rules()
    assert (rules.station_limits, rules.workspace, rules.table_height_m) == (
        {"base": (-1.0, 1.0)},
        FULL.workspace_m,
        -0.01,
    )
    assert FULL.offsets_rad(ROARM_M3) == (0.01, 0.0, -0.02, 0.0, 0.0, 0.0)
    assert FULL.facts()["hash"] == FULL.hash
    assert Station(robot="roarm_m3").estop_file() is None
    stop = replace(FULL, stop_file=str(tmp_path / "stop")).estop_file()
    assert stop is not None
    assert stop.wants_stop() is None
    (tmp_path / "stop").touch()
    assert "the stop file" in (stop.wants_stop() or "")


def test_a_date_without_quotes_is_a_firmware_too(tmp_path: Path) -> None:
    station = load_station(written(tmp_path, "robot: roarm_m3\nfirmware: 2026-07-01\n"), ROARM_M3)
    assert station.firmware == "2026-07-01"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limits_rad: {elbow: [0, 3.2]}", "must lie inside the hardware's, 0 to 2.95 rad"),
        ("limits_rad: {base: [1, -1]}", "the lower below the upper"),
        ("limits_rad: {base: [.nan, 1]}", r"limits_rad.base\[0\] must be a finite number, got nan"),
        ("limits_rad: {base: [1]}", "limits_rad.base must be a list of 2 numbers"),
        ("limits_rad: {bass: [-1, 1]}", "There is no joint named 'bass'. Did you mean 'base'"),
        ("calibration_rad: {base: .inf}", "calibration_rad.base must be a finite number, got inf"),
        ("calibration_rad: {base: 0.31}", "calibration_rad.base must be -0.3 to 0.3 rad, got 0.31"),
        ("calibration_rad: {base: true}", "calibration_rad.base must be a finite number, got True"),
        ("calibration_rad: [0, 0]", "calibration_rad must hold `name: value` lines"),
        ("workspace_m: {lower: [0, 0, 0], upper: [1, -1, 1]}", "lower y .* must be below its upper"),
        ("workspace_m: {lower: [0, 0, 0]}", "must have lower and upper"),
        ("workspace_m: {lowest: [0, 0, 0]}", "workspace_m has an unknown key 'lowest'"),
        ("table_height_m: 2", "table_height_m must be -1 to 1 m"),
        ("table_height_m: .nan", "table_height_m must be a finite number"),
        ("name: 7", "name must be text, got 7; put it in quotes"),
        ("cameras: {front: usb:0}", "cameras.front must be written usb:VENDOR:PRODUCT"),
        ("robots: roarm_m3", "The station has an unknown key 'robots'. Did you mean 'robot'"),
        (f"table_height_m: {10**400}", "table_height_m is too large a number"),
        ("robot: so101", "This is the station of a 'so101', and the arm is a 'roarm_m3'"),
    ],
)
def test_what_can_not_be_is_refused_with_the_file_and_the_key(text: str, message: str, tmp_path: Path) -> None:
    robot = "" if text.startswith("robot:") else "robot: roarm_m3\n"
    path = written(tmp_path, f"{robot}{text}\n")
    with pytest.raises(BadInputError, match=f"^{path}: .*{message}"):
        load_station(path, ROARM_M3)


def test_a_file_that_is_missing_or_says_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="There is no file"):
        load_station(tmp_path / "nowhere.yaml", ROARM_M3)
    with pytest.raises(BadInputError, match="The key robot is missing"):
        load_station(written(tmp_path, "name: bench\n"), ROARM_M3)
    with pytest.raises(BadInputError, match="must hold a mapping"):
        load_station(written(tmp_path, "- robot\n"), ROARM_M3)


def test_a_robot_without_that_joint_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no joint named 'tail'"):
        Station(robot="roarm_m3", calibration_rad={"tail": 0.0}).check(ROARM_M3)
    with pytest.raises(BadInputError, match=r"must be -0\.3 to 0\.3"):
        Station(robot="roarm_m3", calibration_rad={"base": math.nan}).check(ROARM_M3)
