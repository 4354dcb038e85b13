"""Write subnets in the formats of other runtimes."""
