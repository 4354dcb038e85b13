"""The kernel bench: what an inference costs, subnet by subnet, and beside whom. `make kernels` runs it."""
