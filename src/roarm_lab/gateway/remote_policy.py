"""A policy server's network as the control loop sees it: it answers in time, or says that there is no action now."""

import threading
import time
from collections.abc import Callable, Mapping

from roarm_lab.core.arrays import Float32
from roarm_lab.core.clock import Clock, MonotonicClock
from roarm_lab.core.errors import MissingError, RoarmLabError, UnsafeCommandError
from roarm_lab.gateway.chunks import ChunkPlayer
from roarm_lab.gateway.client import PolicyClient, Reply, RequestError
from roarm_lab.gateway.connection import ConnectionLostError
from roarm_lab.policies.contract import Contract, InterfaceError
from roarm_lab.policies.network import NoActionError

PATIENCE_S = 0.5
"""A choice: the watchdog's period. After so long without an answer the arm is held."""
DEADLINE_PERIODS = 0.8
"""Part of a control period that an answer may take: the rest is for reading, the gate, and sending."""
UNHURRIED_S = 5.0
"""How long an answer may take where time stands still meanwhile: an arm that is simulated as fast as it goes."""
RETRY_S = 0.5
RECONNECT_S = 10.0
"""How long an episode that begins waits for a server that is gone."""


class NoAnswerError(UnsafeCommandError):
    """A policy server did not answer for so long that the arm must be held."""


class RemotePolicy:
    """The network of a policy server. For one thread."""

    def __init__(
        self, connect: Callable[[], PolicyClient], *, patience_s: float = PATIENCE_S, deadline_s: float | None = None
    ) -> None:
        """Connect.

        Args:
            connect: Makes a connection; called again when it broke.
            patience_s: The watchdog's period.
            deadline_s: How long an answer may take; by default a part of the control period.

        Raises:
            BadInputError, InterfaceError, MissingError: As `PolicyClient` does.
        """
        self._connect = connect
        self._client: PolicyClient | None = connect()
        self.contract: Contract = self._client.contract
        self.sha256 = self._client.policy
        self._period_s = float(self.contract.interface["control_dt_s"])
        self.patience_s = patience_s
        self.deadline_s = DEADLINE_PERIODS * self._period_s if deadline_s is None else deadline_s
        self._player, self._asked = ChunkPlayer(), dict[int, int]()
        self._reconnecting: threading.Thread | None = None
        self._closed = threading.Event()
        self._problem = ""
        self.unanswered = self.dropped = 0
        """Steps without an action; actions that came too late."""
        self._began_s: float | None = None
        self.use_clock(MonotonicClock(), real_time=False)

    @property
    def client(self) -> PolicyClient | None:
        """The connection; None while there is none."""
        return self._client

    def use_clock(self, clock: Clock, *, real_time: bool) -> None:
        """Count control steps on the clock of an arm. Until then time stands still: no answer is too late."""
        self._clock, self._real_time = clock, real_time
        self._answered_s = clock.now_s()

    def begin(self, episode: int, wait_s: float = RECONNECT_S) -> None:
        """Begin an episode: forget what was asked before, and wait for a server that is gone.

        Raises:
            MissingError: It does not come back.
        """
        self._player.clear()
        self._asked.clear()
        ends_s = time.monotonic() + wait_s
        while True:
            client = self._client
            if client is not None:
                try:
                    client.begin(episode)
                    break
                except ConnectionLostError as error:
                    self._lose(str(error))
            if time.monotonic() > ends_s:
                raise MissingError(f"The policy server does not come back: {self._problem}")
            if self._reconnecting is not None:
                self._reconnecting.join(0.05)
        self._answered_s, self._began_s = self._clock.now_s(), None

    def infer(self, inputs: Mapping[str, Float32]) -> Float32:
        """Return the action [1, 1, action] of this step, of terms [1, size].

        Raises:
            NoActionError: There is none, and the arm keeps its last target.
            NoAnswerError: There was none for as long as the watchdog waits.
        """
        now_s = self._clock.now_s()
        self._began_s = now_s if self._began_s is None else self._began_s
        now = round((now_s - self._began_s) / self._period_s)
        try:
            self._exchange(inputs, now)
        except RequestError as error:
            self._problem = str(error)
        except ConnectionLostError as error:
            self._lose(str(error))
        action = self._player.next(now)
        if action is None:
            self._miss()
            raise NoActionError(self._problem)
        self._answered_s = self._clock.now_s()
        return action[None, None]

    def close(self) -> None:
        """End the connection."""
        self._closed.set()
        if self._reconnecting is not None:
            self._reconnecting.join()
        if self._client is not None:
            self._client.close()
            self._client = None

    def _exchange(self, inputs: Mapping[str, Float32], now: int) -> None:
        """Ask for what is not there, and take in what has come; wait only when nothing is left to do meanwhile."""
        client = self._client
        if client is None:
            return
        chunk = client.chunk
        if not self._asked and len(self._player.left) <= chunk // 2:
            self._asked[client.ask(inputs, deadline_s=self.deadline_s if self._real_time and chunk == 1 else 0.0)] = now
        for seq, asked_at in [*self._asked.items()]:
            wait_s = 0.0 if len(self._player.left) else self.deadline_s if self._real_time else UNHURRIED_S
            try:
                reply = client.answer(seq, wait_s)
            except TimeoutError:
                self._problem = f"The policy server did not answer within {wait_s * 1e3:.0f} ms."
                if chunk == 1:  # the next observation is a better question
                    self._asked.clear()
                continue
            except RequestError:
                self._asked.clear()
                raise
            del self._asked[seq]
            self._take_in(reply, asked_at, now)

    def _take_in(self, reply: Reply, asked_at: int, now: int) -> None:
        if reply.policy != self.sha256:
            self.sha256 = reply.policy  # the server was given another network that fits the same contract
        if reply.late:
            self.dropped += len(reply.actions)
            self._problem = "The policy server's answer was late."
            return
        size = self.contract.interface["output"]["shape"][-1]
        if reply.actions.shape[1:] != (size,):
            raise InterfaceError(
                f"The policy server gives actions {reply.actions.shape}, the contract promises {size}."
            )
        self.dropped += self._player.take_in(reply.actions, asked_at, now)

    def _miss(self) -> None:
        self.unanswered += 1
        silent_s = self._clock.now_s() - self._answered_s
        if silent_s >= self.patience_s or not self._real_time:
            raise NoAnswerError(
                f"No action for {silent_s:.2f} s, the watchdog waits {self.patience_s} s. {self._problem}"
            )

    def _lose(self, why: str) -> None:
        """Leave a connection that broke, and look for another beside the loop."""
        self._problem = why
        self._asked.clear()
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._reconnecting is None or not self._reconnecting.is_alive():
            self._reconnecting = threading.Thread(target=self._reconnect, name="policy-reconnect", daemon=True)
            self._reconnecting.start()

    def _reconnect(self) -> None:
        while not self._closed.wait(RETRY_S):
            try:
                client = self._connect()
            except RoarmLabError as error:
                self._problem = str(error)
                continue
            if client.contract.interface != self.contract.interface:
                self._problem = "Another policy is served there now, which takes or gives something else."
                client.close()
                continue
            self.sha256 = client.policy
            self._client = client
            return
