"""An arm that is only looked at: it tells what would be sent, and sends nothing."""

from roarm_lab.core.arrays import Float64
from roarm_lab.robots.arm import Arm, ArmSample, GatedArm
from roarm_lab.robots.gate import Gate
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.perception import Sight


class DryArm(GatedArm):
    """Reads and sees what another arm does, and keeps every target to itself.

    The other arm stays where it is, so each `send` answers what the *next* target would be from its present pose, at
    rest; otherwise what was never sent would add up.
    """

    def __init__(self, arm: Arm, rules: GateRules | None = None) -> None:
        """Stand before an arm.

        Raises:
            MissingError: Its pose is unknown.
        """
        super().__init__(arm.robot, arm.clock, arm.read(), rules)
        self._arm = arm
        self.provides, self.delay_s = arm.provides, arm.delay_s

    def _read(self) -> ArmSample:
        return self._arm.read()

    def _see(self) -> Sight:
        return self._arm.see()

    def _transmit(self, target: Float64) -> None:
        del target
        newest = self._arm.read()
        if self.latched is None and newest.valid:
            self._gate = Gate(self.robot, sent=newest.joint_pos, rules=self._gate.rules)
