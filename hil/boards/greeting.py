"""Greet the agent at the other end of a stream, and check that it is the expected one."""

from hil.boards.checks import check_target
from hil.boards.entry import Entry
from hil.errors import BuildError
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.transports.deadline import Deadline
from hil.transports.transport import Transport

EMULATED_SECONDS = 30.0
"""Seconds that an answer may take: an emulator slows down with the load of its machine."""


def port_of(transport: Transport) -> str:
    """Return the port that a transport names in its errors."""
    return transport.name.removeprefix("port ")


def greet(
    entry: Entry, transport: Transport, seconds: float, wanted: str | None, patience: float
) -> tuple[Agent, Hello]:
    """Return the agent at the other end, and its hello; close the stream if it is not the expected one.

    Args:
        entry: The board.
        transport: The byte stream.
        seconds: Seconds that the hello may take.
        wanted: Hash of the sources that the agent is to be built from; None for any.
        patience: Seconds that each later answer may take.

    Raises:
        BuildError: It was built from other sources than `wanted`.
    """
    agent = Agent(transport, entry.name, patience)
    try:
        hello = agent.hello(Deadline.after(seconds))
        check_target(entry, hello, transport.name)
        if wanted not in (None, hello.build):
            other = f"the agent on {port_of(transport)} is of build {hello.build}, not {wanted}"
            raise BuildError(other, board=entry.name)
    except BaseException:
        agent.close()
        raise
    return agent, hello
