"""Move an arm through its safety gate, then let a policy drive it. The address may be a real arm's.

python examples/drive_an_arm.py [ADDRESS]      sim, emulator, serial, serial:/dev/ttyUSB0, ...
"""

import sys

import numpy as np

import roarm_lab as roarm

PERIOD_S = 0.05

address = sys.argv[1] if len(sys.argv) > 1 else "sim"
with roarm.connect_arm(address, fast=address == "sim") as session:
    arm = session.arm
    for turn in range(40):  # the base to and fro by 0.1 rad; what is asked for passes the gate
        wanted = np.array(arm.robot.keyframe("home"))
        wanted[0] += 0.1 * np.sin(2.0 * np.pi * turn / 40)
        sent = arm.send(wanted, PERIOD_S)
        arm.clock.sleep_until_s(arm.clock.now_s() + PERIOD_S)
    print(f"measured {arm.read().joint_pos.round(3)} rad, sent {sent.round(3)}")

# A real arm asks first: Notebook() asks with input().
request = roarm.RunRequest(arm=address, episodes=3, fast=address != "serial" and ":" not in address)
result = roarm.run_policy(request, roarm.Notebook())
print(f"{result.successes} of {result.goals}, interval {result.interval}, log {result.log}")
