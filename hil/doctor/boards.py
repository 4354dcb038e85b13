"""Check the boards file and the leases of this machine."""

from collections.abc import Iterator

from hil.doctor.finding import Finding, fault, ok
from hil.doctor.machine import Machine


def boards_file(machine: Machine) -> Iterator[Finding]:
    """Check that the boards file is valid."""
    from hil.boards import boards_toml
    from hil.errors import HilError

    path = machine.boards or boards_toml.shipped()
    try:
        count = len(boards_toml.load(path))
    except HilError as error:
        what, _, advice = str(error).partition("; ")
        yield fault("boards file", True, what, advice or f"correct {path}")
    else:
        yield ok("boards file", f"{path}, {count} boards")


def targets(machine: Machine) -> Iterator[Finding]:
    """Check the targets that other packages register."""
    from hil.boards import registry

    for name, why in registry.faults().items():
        what, _, remedy = why.rpartition("; ")
        yield fault(f"target {name}", True, what, remedy)


def leases(machine: Machine) -> Iterator[Finding]:
    """Check that each lock file can be used, and show those in use."""
    from hil.boards import lease, lease_holder
    from hil.errors import LeaseError

    used = False
    for path in lease.lock_files():
        try:
            who = lease_holder.in_use(path)
        except LeaseError as error:
            what, _, remedy = str(error).partition("; remove it: ")
            yield fault("lease", True, what, remedy)
            used = True
            continue
        if who is None:
            continue
        used = True
        if any(holder.stopped for holder in lease_holder.holders(path)):
            yield fault("lease", False, f"{path} is in use by {who}", f"hil release {path}")
        else:
            yield ok("lease", f"{path} is in use by {who}")
    if not used:
        yield ok("leases", "no board is in use")
