"""Open a board behind a port on the network, and keep its agent up to date by a command of its machine."""

import time

from hil.boards import network_board
from hil.boards.desk import POLL_SECONDS, READY_SECONDS, Desk
from hil.boards.entry import Entry
from hil.boards.greeting import EMULATED_SECONDS, greet
from hil.errors import BoardAbsent, BuildError, DeadlineError, LinkError, ProtocolError, SetupError
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.protocol.patience import ANSWER_SECONDS
from hil.transports.deadline import Deadline
from hil.transports.network_port import NetworkPort

_NO_UPLOAD = "name its machine by `via` and a command there by `upload`, or bench it there, which uploads one"


def open_agent(entry: Entry, port: NetworkPort, desk: Desk) -> tuple[Agent, Hello]:
    """Return the agent at a port, stored anew by the command `upload` if it is silent or of other sources.

    Raises:
        BoardAbsent: Nothing answers at the port.
        BuildError: The agent is of other sources and no command stores another, or the command fails.
        DeadlineError: The agent is silent, and no command stores another.
    """
    patience = EMULATED_SECONDS if entry.emulated else ANSWER_SECONDS
    wanted = desk.build_id()
    transport = network_board.connect(entry, port)
    try:
        return greet(entry, transport, desk.hello_seconds, wanted, patience)
    except (DeadlineError, ProtocolError, BuildError) as error:
        if entry.via is None:
            if isinstance(error, BuildError):
                raise BuildError(f"{error.text}; {_NO_UPLOAD}", board=entry.name) from error
            raise
        reason = error
    try:
        desk.upload_there(entry.via, entry.upload, lambda: network_board.touch(port))
    except (SetupError, LinkError) as error:
        failed = f"{reason.observation}; its upload failed: {error.text}"
        raise BuildError(failed, board=entry.name) from error
    deadline, observed = Deadline.after(desk.return_seconds), "its port did not come back"
    while not deadline.passed:
        try:
            transport = network_board.connect(entry, port)
            return greet(entry, transport, READY_SECONDS, wanted, patience)
        except (BoardAbsent, LinkError, BuildError) as error:  # it may not be ready yet
            observed = error.observation
        time.sleep(POLL_SECONDS)
    raise BuildError(f"{observed}, after its agent was uploaded; {desk.press}", board=entry.name)
