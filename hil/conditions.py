"""What a latency depends on beside the program: read from Linux and Android boards, stored, judged."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_SCRIPT = """
say() { [ -r "$2" ] && echo "$1=$(tr -d "\\000" <"$2" | head -n 1)"; }
cpu=/sys/devices/system/cpu/cpu%d/cpufreq
echo "machine=$(uname -m)"
say model /sys/class/dmi/id/product_name
say model /proc/device-tree/model
echo "cpu=$(lscpu | sed -n "s/^Model name: *//p" | head -n 1)"
say governor $cpu/scaling_governor
say khz $cpu/scaling_cur_freq
say millidegrees /sys/class/thermal/thermal_zone0/temp
say throttled /sys/devices/platform/soc/soc:firmware/get_throttled
vcgencmd get_throttled
getprop | sed -n "s/\\]$//; s/^.ro.product.model\\]: \\[/model=/p; s/^.ro.build.fingerprint\\]: \\[/build=/p
    s/^.ro.product.cpu.abi\\]: \\[/abi=/p"
dumpsys thermalservice | sed -n "s/^Thermal Status: */thermal=/p"
dumpsys battery | sed -n "s/^ *level: */battery=/p; s/^ *status: */charge=/p"
true
"""
_THROTTLED = 0xF
"""Bits of the flags that a Pi's firmware sets while it slows down: voltage, frequency, heat."""
_WAS_THROTTLED = 0xF0000
"""The same since it was started."""
_CHARGE = {"2": "charging", "3": "discharging", "4": "not charging", "5": "full"}
"""The numbers of Android's battery manager."""
_STEADY = 0.01
"""What a clock may move and still count as the same."""


@dataclass(frozen=True)
class Conditions:
    """`machine` is what `uname -m` prints. None is what the board does not tell.

    `mhz` and `celsius` are of the core that the agent is pinned to, or the first, and of the first thermal
    zone; `throttled` holds the flags of a Pi's firmware. The rest is of an Android device: its
    `build` by fingerprint, `thermal` status (0: not throttled), `battery` in percent and its `charge`.
    """

    machine: str
    model: str | None = None
    cpu: str | None = None
    core: int | None = None
    governor: str | None = None
    mhz: float | None = None
    celsius: float | None = None
    throttled: int | None = None
    build: str | None = None
    abi: str | None = None
    thermal: int | None = None
    battery: int | None = None
    charge: str | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def script(core: int | None) -> str:
    """A POSIX shell script that prints what `read` takes."""
    return _SCRIPT % (core or 0)


def values(text: str) -> dict[str, str]:
    """The lines of the form `key=value`, but for empty values; others are a login script's."""
    rows = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in rows if value.strip()}


def read(text: str, core: int | None) -> Conditions:
    """Take apart what the script has printed."""
    said = values(text)
    khz, millidegrees = (_number(said.get(key), 10) for key in ("khz", "millidegrees"))
    return Conditions(
        machine=said.get("machine", "unknown"),
        model=said.get("model"),
        cpu=said.get("cpu"),
        core=core,
        governor=said.get("governor"),
        mhz=None if khz is None else khz / 1000,
        celsius=None if millidegrees is None else millidegrees / 1000,
        throttled=_number(said.get("throttled"), 16),
        build=said.get("build"),
        abi=said.get("abi"),
        thermal=_number(said.get("thermal"), 10),
        battery=_number(said.get("battery"), 10),
        charge=_CHARGE.get(said.get("charge", "")),
    )


def doubts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Why latencies taken between two plain conditions are doubtful; empty where nothing says so."""
    found = []
    governors = dict.fromkeys(c["governor"] for c in (before, after) if c["governor"])
    if slow := [governor for governor in governors if governor != "performance"]:
        found.append(f"its governor is {', '.join(slow)}, not performance")
    if None not in (was := before["mhz"], now := after["mhz"]) and abs(now - was) > _STEADY * was:
        found.append(f"its clock went from {was:,.0f} to {now:,.0f} MHz")
    earlier, later = (c["throttled"] or 0 for c in (before, after))
    if (flags := earlier | later) & _THROTTLED or later & ~earlier & _WAS_THROTTLED:
        found.append(f"it was throttled (flags {flags:#x})")
    if hot := max(before["thermal"] or 0, after["thermal"] or 0):
        found.append(f"it was throttled (thermal status {hot})")
    return found


def _number(text: str | None, base: int) -> int | None:
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None
