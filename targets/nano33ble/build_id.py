"""Define the hash of the agent's sources before PlatformIO builds it."""

import sys
from pathlib import Path

Import("env")  # noqa: F821 (PlatformIO defines Import and env)
targets = Path(env["PROJECT_DIR"]).parent  # noqa: F821
sys.path.insert(0, str(targets))
from build_id import build_id  # noqa: E402

env.Append(CPPDEFINES=[("REDS_BUILD_ID", env.StringifyMacro(build_id(targets, targets / "nano33ble")))])  # noqa: F821
