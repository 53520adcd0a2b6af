"""Train the same task with two settings and two seeds, and compare; needs the extra `sweep`.

python examples/compare_settings.py [STEPS]
"""

import sys

import roarm_lab as roarm

steps = int(sys.argv[1]) if len(sys.argv) > 1 else None
request = roarm.SweepRequest(task="reach", seeds=(0, 1), set=("gamma=0.9,0.95",), total_timesteps=steps)
result = roarm.sweep(request, roarm.Notebook())
for row in result.rows:
    print(f"{row.setting}, seed {row.seed}: {row.successes} of {row.episodes}")
print(f"curves: {result.curves}")
