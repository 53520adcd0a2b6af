"""Let the policy that comes with the package lift cubes in 64 worlds, stepped by hand.

python examples/step_an_environment.py
"""

import roarm_lab as roarm

env = roarm.make_env("lift-cube", num_envs=64, seed=7)
policy = roarm.load_policy()
observations, successes, episodes = env.reset(), 0, 0
while episodes < 64:
    step = env.step(policy(observations))
    observations = step.observations
    if step.episodes is not None:
        successes += int(step.episodes.success.sum())
        episodes += len(step.episodes.success)
env.close()
print(f"{successes} of {episodes} lifted")
