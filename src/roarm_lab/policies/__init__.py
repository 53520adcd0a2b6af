"""An observation in, actions out: the policy bundle."""
