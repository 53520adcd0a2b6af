#!/usr/bin/env bash
# MuJoCo 4.0.0: a saved model has no position servos any more, and MuJoCo 3.3 refuses it.
#
# One would guess: `MjSpec.to_xml()` writes `<position kp kv>` back as it was read, with the numbers that were given; a
# model without any feature of version 4 still loads in version 3.
#
# What happens: the servo is written as `<general input="pos" ...>`, an attribute that 3.3.7 does not know, and the gains
# have six digits. A reader that looks for `<position>` finds no servo.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
for version in 4.0.0 3.3.7; do
  python3 -m venv "$version"
  "$version/bin/pip" install -q --disable-pip-version-check "mujoco==$version"
done

cat >save.py <<'PY'
import mujoco

MODEL = """
<mujoco>
  <worldbody><body><joint name="hinge"/><geom size="0.1"/></body></worldbody>
  <actuator><position name="servo" joint="hinge" kp="20.123456789" kv="0.987654321"/></actuator>
</mujoco>"""
spec = mujoco.MjSpec.from_string(MODEL)
given = spec.compile().actuator_gainprm[0, 0]
with open("saved.xml", "w") as file:
    file.write(spec.to_xml())
saved = mujoco.MjModel.from_xml_path("saved.xml").actuator_gainprm[0, 0]
text = open("saved.xml").read()
print("MuJoCo", mujoco.__version__)
print(next(line.strip() for line in text.splitlines() if "servo" in line))
print(f"stiffness: given {given}, saved {saved}")
assert "<position" not in text and 'input="pos"' in text
assert given == 20.123456789 and saved == 20.1235
PY
cat >load.py <<'PY'
import mujoco

print("MuJoCo", mujoco.__version__)
try:
    mujoco.MjModel.from_xml_path("saved.xml")
except ValueError as error:
    print("refused:", " ".join(str(error).split()))
    assert "unrecognized attribute: 'input'" in str(error)
else:
    raise SystemExit("it loads")
PY
4.0.0/bin/python save.py
3.3.7/bin/python load.py
echo "as described"
