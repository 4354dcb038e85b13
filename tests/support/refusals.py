"""Allow the errors that a user meets, and hold them to one printable line."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def may_refuse(kind: type[Exception], where: object = "") -> Iterator[None]:
    """Pass over an error of this kind if it is one printable line that names `where`; any other one fails."""
    try:
        yield
    except kind as error:
        line = str(error)
    else:
        return
    assert line.isprintable()
    assert str(where) in line
