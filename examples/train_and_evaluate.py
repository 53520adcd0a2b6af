"""Train a policy, evaluate it on fresh episodes, and write the report: the whole way in Python.

python examples/train_and_evaluate.py [STEPS]
"""

import sys
from pathlib import Path

import roarm_lab as roarm

steps = int(sys.argv[1]) if len(sys.argv) > 1 else None  # the tuned number by default, about a minute

trained = roarm.train(roarm.TrainRequest(task="reach", seed=1, total_timesteps=steps), roarm.Notebook())

found = roarm.evaluate(roarm.EvaluateRequest(bundle=trained.bundle, episodes=500)).evaluation
low, high = found.interval
print(f"{found.successes} of {found.episodes} = {found.success_rate:.1%} [{low:.1%}, {high:.1%}]")
for reason, count in found.failures.items():
    print(f"  {count} failed: {reason}")

page: Path = roarm.write_report(roarm.ReportRequest(run=trained.run)).page
print(f"report: {page}")
