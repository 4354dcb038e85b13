"""Expect errors by type and attributes. Their wording is held in `test_messages.py` alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hil.errors import HilError


@contextmanager
def raises(kind: type[HilError], **attributes: object) -> Iterator[pytest.ExceptionInfo[HilError]]:
    """Fail unless the block raises an error of exactly this kind, in one line, with these attributes."""
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert {name: getattr(caught.value, name) for name in attributes} == attributes
