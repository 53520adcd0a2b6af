"""What keys, sticks and caps do, in words: for the help of the command and for the person who steers."""

KEYS = """\
  P or Esc    emergency stop; so is every key without a meaning, on any keyboard layout
  C           pressed alone, clears it, after you have looked at the arm
  space       pause, and go on
  ?           show the keys
  Ctrl-C      hold the arm and end"""
BY_DEVICE = {
    "keyboard": """\
  keyboard    Q/A W/S E/D R/F T/G Y/H move joints 1 to 6 plus/minus; - and = are slower and faster;
              M moves the hand instead, with the same keys: x, y, z, pitch, roll, gripper.
              A tap is a nudge, a held key moves on; one key at a time (a terminal tells no more)""",
    "gamepad": """\
  gamepad     sticks, cross and triggers move; B is the emergency stop, Start clears, A pauses,
              Back changes between joints and hand, shoulder buttons are slower and faster""",
    "mouse3d": """\
  mouse3d     push and turn the cap; left button closes the gripper, right opens it, both stop""",
    "leader": """\
  leader      a second arm, moved by hand, is mirrored; the arm comes to it slowly first""",
    "hand": """\
  hand        the arm's own motors are switched off; it is moved by hand, and only shown""",
    "policy": """\
  policy      a bundle drives; space or a motion key takes over, space gives it back""",
}
"""What steers -> how."""
DEVICES = "\n".join(BY_DEVICE.values())


def keys_of(device: str) -> str:
    """Return what somebody at the terminal needs to know who steers with a device; a policy is left to the keyboard."""
    used = (device, "keyboard") if device == "policy" else (device,)
    return "\n".join((*(BY_DEVICE[name] for name in used), KEYS))
