"""Start scripts through the login shell of an SSH user, whatever that shell is and prints.

The login shell gets one constant line, made of what sh, bash, zsh, fish, csh and tcsh read alike. The line
starts `sh`, which prints a mark and then reads the script from its standard input. All that is printed before
the mark, by login scripts or instead of a shell, is no output of the script.
"""

import paramiko

from hil.errors import DeadlineError, LoginError, ProtocolError
from hil.transports.deadline import Deadline
from hil.transports.machine import MOST_OUTPUT, NOTICE_SECONDS
from hil.transports.ssh.session import SshSession
from reds.text import printable

_MARK = b"reds-hil 42 begins\n"
"""Mark on standard output and error. The line below computes it, as some shells echo what they run."""
_LOADER = (
    "exec sh -c 'begin() { echo reds-hil $((6*7)) begins; }; begin; begin >&2; "
    'IFS= read -r script; eval "$(printf %b "$script")"\''
)


def start(channel: paramiko.Channel, name: str, script: str, deadline: Deadline) -> SshSession:
    """Start a POSIX shell script on a channel.

    Args:
        channel: A new channel of a login.
        name: The machine, for errors.
        script: The script, without NUL.
        deadline: When the login shell must have started `sh`.

    Raises:
        LoginError: The user has no shell, or another command runs instead of ours.
        DeadlineError: No command starts in time.
        ProtocolError: The login script prints more than `MOST_OUTPUT` bytes.
        EOFError: The login was lost.
    """
    session = SshSession(channel, after=_MARK)
    channel.exec_command(_LOADER)
    printed, ended = b"", False
    while _MARK not in printed and not ended:
        try:
            data = session.read(deadline)
        except TimeoutError:
            raise _late(name, printed or session.all_errors(), deadline) from None
        printed, ended = printed + data, not data
        if len(printed) > MOST_OUTPUT:
            prints = f"{name} printed more than {MOST_OUTPUT:,} bytes before a command could start"
            raise ProtocolError(f"{prints}; check what its login script prints")
    if ended:
        if deadline.passed:
            raise _late(name, printed or session.all_errors(), deadline)
        status = session.status(NOTICE_SECONDS)
        if status is None or status < 0:
            raise EOFError("the login shell ended without an exit status")
        raise _no_shell(name, printed.strip() or session.all_errors(), status)
    line = script.replace("\\", "\\\\").replace("\n", "\\n")
    session.write(f"{line}\n".encode(), deadline)
    return session


def _late(name: str, printed: bytes, deadline: Deadline) -> DeadlineError:
    after = f" after it printed {_shown(printed)}" if printed.strip() else ""
    late = f"{name} started no command within {deadline.span:g} s{after}"
    return DeadlineError(f"{late}; check its load, and that its login script neither asks nor waits")


def _no_shell(name: str, printed: bytes, status: int) -> LoginError:
    what = _shown(printed) if printed.strip() else "nothing"
    ran = f"{name} ran no command of ours: it printed {what} and ended with exit status {status}"
    remedy = "give the user a login shell there (chsh), without a forced command or a login script that exits"
    return LoginError(f"{ran}; {remedy}")


def _shown(printed: bytes) -> str:
    """Return the first and the last line of what was printed, as an error shows them."""
    lines = [line.strip() for line in printed.decode(errors="replace").splitlines() if line.strip()]
    return repr(printable(" ... ".join(dict.fromkeys([lines[0], lines[-1]]))))
