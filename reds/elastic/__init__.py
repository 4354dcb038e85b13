"""Build the elastic net, whose subnets are views of one weight set, also from a user's torch module."""
