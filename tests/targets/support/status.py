"""The runtime's statuses, as reds.h numbers them; the program `run_pack` exits with one."""

import re
from enum import IntEnum

from tests.targets.support.sources import TARGETS

_ENUM = re.search(r"typedef enum \{(.*?)\} reds_status;", (TARGETS / "runtime/reds.h").read_text(), re.S)
assert _ENUM, "reds.h does not define reds_status"
Status = IntEnum("Status", re.findall(r"REDS_(\w+)", _ENUM[1]), start=0)
