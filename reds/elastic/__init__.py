"""The elastic net: subnets as views of one float weight set, and a user's own torch module as such a net."""
