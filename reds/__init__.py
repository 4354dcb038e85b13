"""REDS: nested subnets of one network, from training to a deployable pack."""
