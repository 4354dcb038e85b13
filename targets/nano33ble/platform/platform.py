"""The platform class that PlatformIO requires; the system's compiler needs no package."""

from platformio.public import PlatformBase


class EmulatedPlatform(PlatformBase):
    """Boards that QEMU emulates."""
