"""The key by which a device knows us: the one that adb itself has in ~/.android, or another file."""

import base64
import struct
import tempfile
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from hil.errors import LoginError


class Key:
    """As adb-shell wants a signer. Nothing is read, or made, before a device asks for it."""

    def __init__(self, file: Path | None) -> None:
        self._file = file or Path.home() / ".android" / "adbkey"
        self._own = file is None

    def __str__(self) -> str:
        return f"the key {self._file}"

    def Sign(self, data: bytes) -> bytes:  # noqa: N802, adb-shell's name
        """Signature of a device's challenge. Raises `LoginError`."""
        return bytes(self._signer.Sign(data))

    def GetPublicKey(self) -> bytes:  # noqa: N802, adb-shell's name
        """The public key as a device stores it."""
        return bytes(self._signer.GetPublicKey())

    @cached_property
    def _signer(self) -> Any:
        from adb_shell.auth.keygen import encode_pubkey, get_user_info
        from adb_shell.auth.sign_pythonrsa import PythonRSASigner

        try:
            if self._own and not self._file.exists():
                make(self._file)
            public = base64.b64encode(encode_pubkey(str(self._file))) + get_user_info().encode()
            return PythonRSASigner(public, self._file.read_text())
        except OSError as error:
            raise LoginError(f"{self} cannot be used: {error.strerror}; name another as `key`") from error
        except (ValueError, TypeError, AttributeError, OverflowError, struct.error) as error:
            advice = "it has to be of RSA, 2048 bits, without a passphrase: adb keygen FILE makes one"
            raise LoginError(f"{self} is of no use to ADB; {advice}") from error


def make(file: Path) -> None:
    """A new key where adb would make it, for its owner only; one that is made meanwhile stays."""
    from adb_shell.auth.keygen import keygen

    file.parent.mkdir(0o750, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder, suppress(FileExistsError):
        made = Path(folder) / file.name
        keygen(str(made))
        made.chmod(0o600)
        file.hardlink_to(made)
        file.with_name(f"{file.name}.pub").hardlink_to(f"{made}.pub")
