"""The public names of RoArm Lab: `import roarm_lab as roarm`, then `roarm.train(roarm.TrainRequest(...))`.

Every use case is a function of a request and a front end that returns a result; requests and results are frozen
dataclasses. A name is loaded when it is first asked for, so that a computer beside an arm loads no simulator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roarm_lab.core.errors import BadInputError, InvalidValueError, MissingError, RoarmLabError
    from roarm_lab.envs.randomization import DomainRandomization
    from roarm_lab.evaluation.evaluate import Evaluation
    from roarm_lab.hardware.diagnosis import Finding
    from roarm_lab.policies.policy import Policy
    from roarm_lab.workflows.arm_session import ArmSession, connect_arm
    from roarm_lab.workflows.deployment.drift_log import DriftReport, DriftRequest, DriftRow, read_drift
    from roarm_lab.workflows.deployment.run_policy import run_policy
    from roarm_lab.workflows.deployment.run_request import RunRequest, RunResult
    from roarm_lab.workflows.deployment.serve import serve
    from roarm_lab.workflows.deployment.serve_request import ServeRequest, ServeResult
    from roarm_lab.workflows.deployment.teleop_request import TeleoperateRequest
    from roarm_lab.workflows.deployment.teleoperate import teleoperate
    from roarm_lab.workflows.devices.arm_actions import (
        ArmInfo,
        ArmLimits,
        move_home,
        read_arm,
        read_limits,
        recover_arm,
        set_lamp,
        torque_off,
        torque_on,
    )
    from roarm_lab.workflows.devices.arm_target import ArmTarget
    from roarm_lab.workflows.devices.camera_requests import (
        CheckCameraRequest,
        MeasureCameraRequest,
        PreviewCameraRequest,
    )
    from roarm_lab.workflows.devices.cameras import (
        CameraCheck,
        check_camera,
        list_cameras,
        measure_camera,
        preview_camera,
    )
    from roarm_lab.workflows.devices.diagnose_arm import Diagnosis, diagnose
    from roarm_lab.workflows.devices.emulate import emulate
    from roarm_lab.workflows.devices.emulate_request import EmulateRequest
    from roarm_lab.workflows.devices.setup import SetupResult, set_up_arm
    from roarm_lab.workflows.devices.setup_request import SetupRequest
    from roarm_lab.workflows.evaluation.bench import BenchResult, bench
    from roarm_lab.workflows.evaluation.bench_request import BenchRequest
    from roarm_lab.workflows.evaluation.evaluate import EvaluateResult, evaluate
    from roarm_lab.workflows.evaluation.evaluate_request import EvaluateRequest
    from roarm_lab.workflows.evaluation.explain import Explanation, explain
    from roarm_lab.workflows.evaluation.explain_request import ExplainRequest
    from roarm_lab.workflows.evaluation.play import play
    from roarm_lab.workflows.evaluation.play_request import PlayRequest, PlayResult
    from roarm_lab.workflows.evaluation.report import write_report
    from roarm_lab.workflows.evaluation.report_request import ReportRequest, ReportResult
    from roarm_lab.workflows.frontend import (
        UNATTENDED,
        CancelledError,
        DryCycle,
        EpisodeEnded,
        Frontend,
        Notebook,
        Notice,
        NotPermittedError,
        Progress,
        Question,
        Served,
        Unattended,
        Written,
    )
    from roarm_lab.workflows.learning.sweep import SweepResult, sweep
    from roarm_lab.workflows.learning.sweep_request import SweepRequest
    from roarm_lab.workflows.learning.train import TrainResult, train
    from roarm_lab.workflows.learning.train_request import TrainRequest
    from roarm_lab.workflows.load_policy import load_policy
    from roarm_lab.workflows.make_env import make_env
    from roarm_lab.workflows.start.check_install import InstallReport, check_install
    from roarm_lab.workflows.start.view_model import view_model
    from roarm_lab.workflows.start.view_request import ViewRequest

__all__ = [
    "UNATTENDED",
    "ArmInfo",
    "ArmLimits",
    "ArmSession",
    "ArmTarget",
    "BadInputError",
    "BenchRequest",
    "BenchResult",
    "CameraCheck",
    "CancelledError",
    "CheckCameraRequest",
    "Diagnosis",
    "DomainRandomization",
    "DriftReport",
    "DriftRequest",
    "DriftRow",
    "DryCycle",
    "EmulateRequest",
    "EpisodeEnded",
    "EvaluateRequest",
    "EvaluateResult",
    "Evaluation",
    "ExplainRequest",
    "Explanation",
    "Finding",
    "Frontend",
    "InstallReport",
    "InvalidValueError",
    "MeasureCameraRequest",
    "MissingError",
    "NotPermittedError",
    "Notebook",
    "Notice",
    "PlayRequest",
    "PlayResult",
    "Policy",
    "PreviewCameraRequest",
    "Progress",
    "Question",
    "ReportRequest",
    "ReportResult",
    "RoarmLabError",
    "RunRequest",
    "RunResult",
    "ServeRequest",
    "ServeResult",
    "Served",
    "SetupRequest",
    "SetupResult",
    "SweepRequest",
    "SweepResult",
    "TeleoperateRequest",
    "TrainRequest",
    "TrainResult",
    "Unattended",
    "ViewRequest",
    "Written",
    "bench",
    "check_camera",
    "check_install",
    "connect_arm",
    "diagnose",
    "emulate",
    "evaluate",
    "explain",
    "list_cameras",
    "load_policy",
    "make_env",
    "measure_camera",
    "move_home",
    "play",
    "preview_camera",
    "read_arm",
    "read_drift",
    "read_limits",
    "recover_arm",
    "run_policy",
    "serve",
    "set_lamp",
    "set_up_arm",
    "sweep",
    "teleoperate",
    "torque_off",
    "torque_on",
    "train",
    "view_model",
    "write_report",
]

FILES = {
    "core.errors": (
        "BadInputError",
        "InvalidValueError",
        "MissingError",
        "RoarmLabError",
    ),
    "envs.randomization": ("DomainRandomization",),
    "evaluation.evaluate": ("Evaluation",),
    "hardware.diagnosis": ("Finding",),
    "policies.policy": ("Policy",),
    "workflows.arm_session": (
        "ArmSession",
        "connect_arm",
    ),
    "workflows.deployment.drift_log": (
        "DriftReport",
        "DriftRequest",
        "DriftRow",
        "read_drift",
    ),
    "workflows.deployment.run_policy": ("run_policy",),
    "workflows.deployment.run_request": (
        "RunRequest",
        "RunResult",
    ),
    "workflows.deployment.serve": ("serve",),
    "workflows.deployment.serve_request": (
        "ServeRequest",
        "ServeResult",
    ),
    "workflows.deployment.teleop_request": ("TeleoperateRequest",),
    "workflows.deployment.teleoperate": ("teleoperate",),
    "workflows.devices.arm_actions": (
        "ArmInfo",
        "ArmLimits",
        "move_home",
        "read_arm",
        "read_limits",
        "recover_arm",
        "set_lamp",
        "torque_off",
        "torque_on",
    ),
    "workflows.devices.arm_target": ("ArmTarget",),
    "workflows.devices.camera_requests": (
        "CheckCameraRequest",
        "MeasureCameraRequest",
        "PreviewCameraRequest",
    ),
    "workflows.devices.cameras": (
        "CameraCheck",
        "check_camera",
        "list_cameras",
        "measure_camera",
        "preview_camera",
    ),
    "workflows.devices.diagnose_arm": (
        "Diagnosis",
        "diagnose",
    ),
    "workflows.devices.emulate": ("emulate",),
    "workflows.devices.emulate_request": ("EmulateRequest",),
    "workflows.devices.setup": (
        "SetupResult",
        "set_up_arm",
    ),
    "workflows.devices.setup_request": ("SetupRequest",),
    "workflows.evaluation.bench": (
        "BenchResult",
        "bench",
    ),
    "workflows.evaluation.bench_request": ("BenchRequest",),
    "workflows.evaluation.evaluate": (
        "EvaluateResult",
        "evaluate",
    ),
    "workflows.evaluation.evaluate_request": ("EvaluateRequest",),
    "workflows.evaluation.explain": (
        "Explanation",
        "explain",
    ),
    "workflows.evaluation.explain_request": ("ExplainRequest",),
    "workflows.evaluation.play": ("play",),
    "workflows.evaluation.play_request": (
        "PlayRequest",
        "PlayResult",
    ),
    "workflows.evaluation.report": ("write_report",),
    "workflows.evaluation.report_request": (
        "ReportRequest",
        "ReportResult",
    ),
    "workflows.frontend": (
        "UNATTENDED",
        "CancelledError",
        "DryCycle",
        "EpisodeEnded",
        "Frontend",
        "NotPermittedError",
        "Notebook",
        "Notice",
        "Progress",
        "Question",
        "Served",
        "Unattended",
        "Written",
    ),
    "workflows.learning.sweep": (
        "SweepResult",
        "sweep",
    ),
    "workflows.learning.sweep_request": ("SweepRequest",),
    "workflows.learning.train": (
        "TrainResult",
        "train",
    ),
    "workflows.learning.train_request": ("TrainRequest",),
    "workflows.load_policy": ("load_policy",),
    "workflows.make_env": ("make_env",),
    "workflows.start.check_install": (
        "InstallReport",
        "check_install",
    ),
    "workflows.start.view_model": ("view_model",),
    "workflows.start.view_request": ("ViewRequest",),
}
"""File -> the public names that live in it."""
_FILE_OF = {name: file for file, names in FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from its file.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _FILE_OF:
        raise AttributeError(f"module 'roarm_lab' has no attribute {name!r}")
    return getattr(import_module(f"roarm_lab.{_FILE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
