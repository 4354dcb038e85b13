"""The elastic net: subnets as views of one float weight set, and a user's torch module as such a net."""
