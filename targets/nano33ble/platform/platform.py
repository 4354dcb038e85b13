"""PlatformIO asks for a class; the system's compiler needs nothing of it."""

from platformio.public import PlatformBase


class EmulatedPlatform(PlatformBase):
    """Boards that QEMU plays."""
