"""Prove to a device who we are, by adb's own key in ~/.android or another key file."""

import base64
import os
import struct
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from hil.errors import LoginError
from hil.lifetime.folder import TemporaryFolder


def own_file() -> Path:
    """Return the file of adb's own key, which may not exist. Raises `LoginError` without a home folder."""
    try:
        return Path.home() / ".android" / "adbkey"
    except RuntimeError as error:
        homeless = "this user has no home folder with a key of adb"
        raise LoginError(f"{homeless}; set HOME, or name a file as `key`") from error


class Key:
    """A signer for adb-shell. The key file is read, or made, only once a device asks for it."""

    def __init__(self, file: Path | None) -> None:
        self._file = file or own_file()
        self._own = file is None

    def __str__(self) -> str:
        return f"the key {self._file}"

    def Sign(self, data: bytes) -> bytes:  # noqa: N802, adb-shell's name
        """Sign the challenge of a device. Raises `LoginError`."""
        return bytes(self._signer.Sign(data))

    def GetPublicKey(self) -> bytes:  # noqa: N802, adb-shell's name
        """Return the public key as a device stores it."""
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
            remedy = "make one with adb keygen FILE, without a passphrase"
            raise LoginError(f"{self} is not an RSA key of 2048 bits; {remedy}") from error


def make(file: Path) -> None:
    """Make a new key as adb would, readable for its owner only; a key that appears meanwhile stays."""
    from adb_shell.auth.keygen import keygen

    file.parent.mkdir(0o750, exist_ok=True)
    remedy = f"let this user write in {file.parent}"
    with TemporaryFolder("key", file.parent, remedy) as folder, suppress(FileExistsError):
        made = folder / file.name
        keygen(str(made))
        made.chmod(0o600)
        with made.open("rb") as written:
            os.fsync(written.fileno())  # else a crash of this machine may leave an empty key
        file.hardlink_to(made)
        file.with_name(f"{file.name}.pub").hardlink_to(f"{made}.pub")
