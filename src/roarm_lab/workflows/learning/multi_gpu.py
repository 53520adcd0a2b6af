"""One training in several processes: what each of them does, the first one apart."""

import os
from typing import TYPE_CHECKING

from roarm_lab.rl.process_group import ProcessGroup
from roarm_lab.sim.table import check_backend
from roarm_lab.workflows.learning.train_job import prepare_job
from roarm_lab.workflows.learning.train_request import TrainRequest

if TYPE_CHECKING:
    from roarm_lab.rl.train_job import TrainJob


def train_for_another(request: TrainRequest, group: ProcessGroup) -> None:
    """Train in a process beside the first one, which alone writes and says what comes out.

    Raises:
        BadInputError, ImportError, MissingError: As `train`.
        KeyboardInterrupt: A process was asked to stop.
    """
    threads_wait_passively()
    from roarm_lab.rl.train import newest_checkpoint, train_beside

    job, run = prepare_job(request, (), group.size)
    checkpoint = None if run is None else newest_checkpoint(run)  # before the first process adds one
    join_group(job, group)
    train_beside(job, checkpoint)


def join_group(job: "TrainJob", group: ProcessGroup) -> None:
    """Meet the others, and see that the simulator can be made in every process before anything is written in one."""
    from roarm_lab.rl.distributed import anybody, join
    from roarm_lab.rl.train import device_of, own_share

    join(group, group.device(device_of(job.device, job.env)))
    check_backend(job.env.robot, job.settings.num_envs, own_share(job.env, group).sim)
    anybody(False)


def threads_wait_passively() -> None:
    """Keep torch's threads from spinning while they wait, on the cores that the simulation needs then.

    Has an effect only before torch is imported for the first time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
