"""What is logged for TensorBoard is read back by TensorBoard itself."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from roarm_lab.rl.tensorboard_log import tensorboard_logger


def test_tensorboard_reads_what_was_logged(tmp_path: Path) -> None:
    logger = tensorboard_logger(tmp_path / "new" / "tensorboard")
    for step in (512, 1024):
        logger.record("reward/near", step / 1024)
        logger.record("time/iterations", step, exclude="tensorboard")
        logger.record("words", "are left out")
        logger.dump(step)
    logger.dump(2048)  # nothing to say
    logger.close()
    read = EventAccumulator(str(tmp_path / "new" / "tensorboard")).Reload()
    assert read.Tags()["scalars"] == ["reward/near"]
    assert [(event.step, event.value) for event in read.Scalars("reward/near")] == [(512, 0.5), (1024, 1.0)]


def test_what_can_not_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    logger = tensorboard_logger(tmp_path / "tensorboard")
    (file,) = (tmp_path / "tensorboard").iterdir()
    file.unlink()
    file.mkdir()  # in its way: a full disk is hard to come by
    logger.record("a", 1.0)
    with pytest.raises(IsADirectoryError):
        logger.dump(1)
