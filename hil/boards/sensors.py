"""Read the conditions of a Linux or Android board by one shell script.

These are governor, clock, temperature, throttling and battery.
"""

from hil.results.conditions import Conditions
from hil.transports.machine import key_values
from reds.text import printable

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
_CHARGE = {"2": "charging", "3": "discharging", "4": "not charging", "5": "full"}
"""Numbers of Android's battery manager."""


def script(core: int | None) -> str:
    """Return a POSIX shell script whose output `read` parses."""
    return _SCRIPT % (core or 0)


def read(text: str, core: int | None) -> Conditions:
    """Parse the output of the script."""
    said = {key: printable(value) for key, value in key_values(text).items()}
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


def _number(text: str | None, base: int) -> int | None:
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None
