#!/usr/bin/env bash
# Gymnasium 1.4.0: an environment with a vector class of its own has no time limit, although its spec says it has.
#
# One would guess: `make_vec` of an id that was registered with `max_episode_steps=5` ends episodes after 5 steps, however
# the worlds are made, as `make` does.
#
# What happens: with `vectorization_mode="sync"` it does. With the registered vector class the number is only handed to the
# constructor; nothing counts, no episode is ever truncated, and `envs.spec.max_episode_steps` still says 5.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check gymnasium==1.4.0
cat >limit.py <<'PY'
import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode, VectorEnv


class One(gymnasium.Env):
    observation_space = action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, 0.0, False, False, {}


class Many(VectorEnv):
    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs=1, **words):
        print("the constructor is given", words)
        self.num_envs = num_envs
        self.single_observation_space = self.single_action_space = Discrete(2)
        self.observation_space = self.action_space = MultiDiscrete([2] * num_envs)

    def reset(self, *, seed=None, options=None):
        return np.zeros(self.num_envs, dtype=int), {}

    def step(self, actions):
        nothing = np.zeros(self.num_envs)
        return nothing.astype(int), nothing, nothing.astype(bool), nothing.astype(bool), {}


gymnasium.register("Limited-v0", entry_point=One, vector_entry_point=Many, max_episode_steps=5)


def truncations(mode):
    envs = gymnasium.make_vec("Limited-v0", num_envs=2, vectorization_mode=mode)
    envs.reset(seed=0)
    count = sum(int(envs.step(np.zeros(2, dtype=int))[3].sum()) for _ in range(20))
    print(f"{mode}: {count} truncations in 20 steps of 2 worlds; the spec says {envs.spec.max_episode_steps}")
    return count, envs.spec.max_episode_steps


print("Gymnasium", gymnasium.__version__)
count, limit = truncations("sync")
assert count > 0 and limit == 5
assert truncations("vector_entry_point") == (0, 5)
PY
venv/bin/python limit.py
echo "as described"
