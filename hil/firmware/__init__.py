"""Build the agents from their C sources, and put them on the boards that run them."""
