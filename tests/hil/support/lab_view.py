"""Look into a lab without a call of `labgrid-client`, which takes half a second of a core each.

One process of labgrid's own Python asks the coordinator. The rest of the tests, and hil, drive the client.
"""

import json
import subprocess
from typing import Self

from hil.lifetime.child import Child
from tests.hil.support.lab import Lab, programs

_PROGRAM = """
import json, sys, grpc
from labgrid.remote.generated import labgrid_coordinator_pb2 as pb, labgrid_coordinator_pb2_grpc as rpc
for line in sys.stdin:
    with grpc.insecure_channel(sys.argv[1]) as channel:
        stub = rpc.CoordinatorStub(channel)
        places = stub.GetPlaces(pb.GetPlacesRequest(), timeout=60).places
        reservations = stub.GetReservations(pb.GetReservationsRequest(), timeout=60).reservations
    print(json.dumps([{p.name: p.acquired for p in places if p.acquired}, [r.token for r in reservations]]))
    sys.stdout.flush()
"""


class LabView:
    """A view of the owners of places, and of reservations."""

    def __init__(self, lab: Lab) -> None:
        folder = programs()
        assert folder is not None
        command = [str(folder / "python"), "-c", _PROGRAM, lab.address]
        self._process = Child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.end()

    @property
    def owners(self) -> dict[str, str]:
        """Return the owners of the places that are acquired, by place."""
        return self._look()[0]

    @property
    def is_free(self) -> bool:
        """Return whether nobody has a place or a reservation."""
        return not any(self._look())

    def _look(self) -> tuple[dict[str, str], list[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"look\n")
        owners, reservations = json.loads(self._process.stdout.readline())
        return owners, reservations
