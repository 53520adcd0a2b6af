"""The words tasks are written with: commands, actions, observations, rewards, events, terminations, curriculum."""
