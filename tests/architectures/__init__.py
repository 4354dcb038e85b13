"""Public architectures as torch modules, written from their papers, and the table of how each one fares.

    python -m tests.architectures [--board nano33ble --emulate] [NAME...]

Each module is checked against the parameters and MACs that its paper publishes. Then it goes all the way:
into an elastic net, three nested subnets, a pack, and the agents of this machine and of an emulated Nano.
"""
