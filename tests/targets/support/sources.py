"""The C sources under test, by part, and the compiler's flags."""

import os
import shlex
from pathlib import Path

SUPPORT = Path(__file__).parent
"""C programs of the tests: what runs a pack, fuzz targets, stubs of the Arduino core."""
TARGETS = SUPPORT.parents[2] / "targets"
FAMILIES = TARGETS / "runtime/kernels/families.c"
X86 = sorted((TARGETS / "runtime/kernels/x86").glob("*.c"))
X86_LAYOUT = 6
NEON = sorted((TARGETS / "runtime/kernels/neon").glob("*.c"))
HELIUM = sorted((TARGETS / "runtime/kernels/helium").glob("*.c"))
CORTEX_M4 = sorted((TARGETS / "runtime/kernels/cortex_m4").glob("*.[cS]"))
RUNTIME = [
    *sorted((TARGETS / "runtime").glob("*.c")),
    FAMILIES,
    *sorted((TARGETS / "runtime/kernels/portable").glob("*.c")),
    *X86,
]
"""The runtime with the kernels of a desktop; those of other processors are added where they run."""
GOVERNOR = sorted((TARGETS / "governor").glob("*.c"))
AGENT = [*sorted((TARGETS / "agent").glob("*.c")), *GOVERNOR]
"""The agent with the governor that it runs."""
POSIX = sorted((TARGETS / "posix").glob("*.c"))
WARNINGS = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
BUILD_ID = '-DREDS_BUILD_ID="test"'

CFLAGS = shlex.split(os.environ.get("CFLAGS", ""))
"""Further flags from the environment, as `--coverage`."""
