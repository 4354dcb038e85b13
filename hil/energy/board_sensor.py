"""Capture with a sensor of the board itself, by a shell script that reads its files again and again.

The script runs beside the agent and costs a little power of its own, in the idle captures too. It writes to a
folder of the board. If nobody stops it, it ends by itself and removes that folder.
"""

import math
import shlex
from itertools import pairwise

from hil.energy.meter import Meter, Window
from hil.errors import MeterError
from hil.transports.machine import Run, key_values
from reds.text import shown

_FEWEST = 5
"""Fewest readings of a capture."""
_PAUSE_SECONDS, _MOST_READINGS = 0.01, 10_000
"""Seconds between two readings, and readings of a long capture, which come over the network at its end."""
_MOST_WATTS = 200.0
_SPARE_SECONDS = 120.0
"""Time after which a script that nobody stops ends, beyond the length of its capture."""
_FILES = {"hwmon": ("power1_input",), "battery": ("current_now", "voltage_now")}
_MICRO = 1e-6
_FIND = """
for d in {folders}; do
    [ -r "$d/{first}" ] || continue
    {test}
    echo "found=$d"
    [ -r "$d/status" ] && echo "status=$(cat "$d/status")"
done; true"""
_FOLDERS = {
    "hwmon": ("/sys/class/hwmon/hwmon*", 'case "$(cat "$d/name")" in ina2*) ;; *) continue ;; esac'),
    "battery": ("/sys/class/power_supply/*", '[ "$(cat "$d/type")" = Battery ] || continue'),
}
_START = """
d=$(mktemp -d 2>/dev/null || mktemp -d -p /data/local/tmp) || exit 1
: >"$d/on"; : >"$d/out"
$(command -v setsid) sh -c 'until read -r began _ </proc/uptime && [ -n "$began" ]; do :; done
on=1
while [ "$on" ] && read -r now _ </proc/uptime && [ $((${{now%%.*}} - ${{began%%.*}})) -lt {most} ]; do
    [ -e "$1/on" ] || on=
    line=$now
    for f in {files}; do read -r v <"$2/$f" && line="$line $v"; done
    echo "$line"
    [ -z "$on" ] || sleep {pause:g}
done
if [ "$on" ]; then rm -rf "$1"; else : >"$1/off"; fi' sh "$d" {sensor} >"$d/out" 2>/dev/null </dev/null &
i=0; while [ ! -s "$d/out" ] && [ $i -lt 200 ]; do sleep 0.01; i=$((i + 1)); done
echo "folder=$d"
"""
"""The script reads once before this returns, and once after it is told to end: readings enclose the work."""
_COUNT = "echo count=$(wc -l <{folder}/out)"
_STOP = """
d={folder}
rm -f "$d/on"
i=0; while [ -d "$d" ] && [ ! -e "$d/off" ] && [ $i -lt 200 ]; do sleep 0.01; i=$((i + 1)); done
cat "$d/out"
rm -rf "$d"
"""


class BoardSensor:
    """An INA2xx in hwmon, or the battery, of a board with a shell.

    Args:
        meter: Its description.
        board: Name of the board in its errors.
        run: Runs a shell script on the board.

    Raises:
        MeterError: The board has no such sensor, or several, or its battery is being charged.
    """

    def __init__(self, meter: Meter, board: str, run: Run) -> None:
        self._board, self._run, self._kind = board, run, meter.kind
        folders, test = (shlex.quote(meter.path), ":") if meter.path else _FOLDERS[meter.kind]
        files = _FILES[meter.kind]
        script = _FIND.format(folders=folders, first=files[0], test=test)
        answer = run(script)
        lines = [line.partition("=")[2] for line in answer.splitlines() if line.startswith("found=")]
        if len(lines) != 1:
            there = ", ".join(lines) or f"no readable {files[0]} in {meter.path or _FOLDERS[meter.kind][0]}"
            raise self._error(f"{len(lines)} sensors ({there}); name one folder by `path` of its meter")
        self._sensor, self._folder = lines[0], ""
        status = key_values(answer).get("status", "Discharging")
        if status != "Discharging":
            charged = f"its battery is {shown(status)}, not Discharging, so the counter says nothing"
            raise self._error(f"{charged}; unplug its supply, and reach it over the network")
        most = math.ceil(meter.capture_seconds + _SPARE_SECONDS)
        sensor = shlex.quote(self._sensor)
        pause = max(_PAUSE_SECONDS, meter.capture_seconds / _MOST_READINGS)
        self._start = _START.format(files=" ".join(files), sensor=sensor, most=most, pause=pause)

    def start(self) -> None:
        """Begin a capture."""
        self._folder = key_values(self._run(self._start)).get("folder", "")
        if not self._folder:
            raise self._error("its shell can make no folder; free some space in its /tmp")

    def enough(self) -> bool:
        """Return whether the capture has the readings that it needs, as a busy board reads late."""
        said = key_values(self._run(_COUNT.format(folder=shlex.quote(self._folder)))).get("count", "")
        return said.strip().isdigit() and int(said) >= _FEWEST

    def stop(self) -> Window:
        """End the capture. Raises `MeterError` if there are too few readings, or impossible ones."""
        return self._window(self._run(_STOP.format(folder=shlex.quote(self._folder))))

    def close(self) -> None:
        """Do nothing: the script of a capture that nobody stops ends by itself, and leaves nothing behind."""

    def _window(self, text: str) -> Window:
        times, watts = [], []
        for line in text.splitlines():
            try:
                time, *values = map(float, line.split())
            except ValueError:
                continue  # a login script prints too
            if len(values) == len(_FILES[self._kind]):
                times.append(time)
                watts.append(abs(math.prod(value * _MICRO for value in values)))
        if len(times) < _FEWEST or not times[-1] > times[0]:
            few = f"{len(times)} readings of {self._sensor} in a capture"
            raise self._error(f"{few}, {_FEWEST} are needed; raise `seconds` of its meter")
        if not 0 < max(watts) <= _MOST_WATTS:
            told = f"{self._sensor} reports {min(watts):g} to {max(watts):g} W"
            raise self._error(
                f"{told}, and more than 0 and up to {_MOST_WATTS:g} W are possible; check its wires"
            )
        joules = sum(
            (end - begin) * (power + following) / 2
            for (begin, end), (power, following) in zip(pairwise(times), pairwise(watts), strict=True)
        )
        return Window(times[-1] - times[0], joules)

    def _error(self, text: str) -> MeterError:
        return MeterError(f"its meter: {text}", board=self._board)
