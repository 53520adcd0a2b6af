"""A training in a thread of its own, told to end from outside: it saves, and goes on later.

python examples/cancel_a_training.py
"""

import threading

import roarm_lab as roarm


class Watcher(roarm.Unattended):
    """Cancels once something was learned."""

    def tell(self, event: object) -> None:
        """Look at an event."""
        if isinstance(event, roarm.Progress) and event.stage == "training" and event.done >= 16_384:
            self.cancel()


said: list[str] = []


def work() -> None:
    """Train until told to end."""
    try:
        roarm.train(roarm.TrainRequest(task="reach", total_timesteps=100_000_000), Watcher())
    except roarm.CancelledError as stop:
        said.append(str(stop))


thread = threading.Thread(target=work)
thread.start()
thread.join()
print(said[0])
