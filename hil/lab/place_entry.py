"""Make the entry of a board from the resources of a place, as a boards file would describe it."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hil.boards import boards_toml
from hil.boards.board_table import BoardTable
from hil.boards.entry import Entry
from hil.boards.lab_table import OF_LAB, LabTable
from hil.errors import BoardsFileError
from hil.lab.listing import Resource
from reds.text import shown

_SCHEMES = {"raw": "socket", "rfc2217": "rfc2217"}
_ADDRESS = re.compile(r"[^\s/@\[\]]+", re.ASCII)


def place_entry(place: str, target: str, resources: Iterable[Resource], file: Path, lab: LabTable) -> Entry:
    """Return the entry of a board of a lab.

    Its port or host is that of the place's first resource by which such a board is reached. Its other keys
    are those of `[lab.places.NAME]`, or of the `[[board]]` with the name of the place.

    Args:
        place: Name of the place.
        target: Target that its tag `board` names.
        resources: Resources of the place, acquired.
        file: The boards file, for errors and paths.
        lab: Its table `[lab]`.

    Raises:
        BoardsFileError: No resource can be used, or a key or a value of the place is wrong.
    """
    found = list(resources)
    usable = [(each, rows[each.kind]) for rows in _rows(target) for each in found if each.kind in rows]
    if not usable:
        have = ", ".join(sorted({each.kind for each in found})) or "no resource"
        can = ", ".join(sorted({kind for rows in _rows(target) for kind in rows}))
        offers = f"the lab offers {have} for it, but a {target} is reached by {can}"
        raise BoardsFileError(f"{offers}; export one of these", board=place)
    resource, row_of = usable[0]
    if resource.extra.get("proxy_required"):
        proxy = f"its exporter {resource.exporter} lets it be reached through an SSH proxy only (--isolated)"
        raise BoardsFileError(f"{proxy}; start that exporter without --isolated", board=place)
    try:
        row = row_of(resource.params)
        if target == "android":
            row.pop("user", None)  # of SSH; adbd has none, but labgrid wants one
    except ValueError as error:
        raise BoardsFileError(f"the lab describes its {resource.kind} with {error}", board=place) from None
    options = _options(place, target, file, lab)
    if "upload" in options and "port" in row and "host" in resource.params:
        row["via"] = {"host": resource.params["host"]}
    known = {"name": place, "target": target, **row}
    return BoardTable(file, {**known, **options}, place).entry()


def _options(place: str, target: str, file: Path, lab: LabTable) -> Mapping[str, Any]:
    """Return the keys that the boards file has for a place, without those that the lab knows."""
    rows = [row for row in boards_toml.rows(file) if row.get("name") == place]
    if place in lab.places:
        if rows:
            twice = f"both [[board]] and [lab.places] describe {place!r}; remove one"
            raise BoardsFileError(twice, file=file, board=place)
        return lab.places[place]
    if rows and rows[0].get("target") != target:
        differs = (
            f"its target is {shown(rows[0].get('target'))}, but the tag `board` of its place is {target!r}"
        )
        raise BoardsFileError(f"{differs}; rename one", file=file, board=place, key="target")
    return {key: value for row in rows for key, value in row.items() if key not in OF_LAB}


def _serial(params: Mapping[str, Any]) -> dict[str, Any]:
    host, port, protocol = params.get("host"), params.get("port"), params.get("protocol", "rfc2217")
    if not (isinstance(protocol, str) and protocol in _SCHEMES):
        raise ValueError(f"protocol {shown(protocol)}; export it as {' or '.join(_SCHEMES)}")
    address = f"[{_host(host)}]" if ":" in _host(host) else _host(host)
    return {"port": f"{_SCHEMES[protocol]}://{address}:{_port(port)}"}


def _service(params: Mapping[str, Any]) -> dict[str, Any]:
    found = {"host": _host(params.get("address")), "port": _port(params.get("port", 22))}
    return {**found, "user": params["username"]} if params.get("username") else found


def _plugged_in(params: Mapping[str, Any]) -> dict[str, Any]:
    return {"via": {"host": _host(params.get("host"))}}


def _host(value: Any) -> str:
    if not (isinstance(value, str) and _ADDRESS.fullmatch(value)):
        raise ValueError(f"host {shown(value)}; export a name or an address")
    return value


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 0xFFFF:
        raise ValueError(f"port {shown(value)}; export a TCP port from 1 to 65535")
    return value


def _local(params: Mapping[str, Any]) -> dict[str, Any]:
    return {"port": str(params.get("port", ""))}


Rows = Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
_ROWS: Rows = {"NetworkSerialPort": _serial, "RawSerialPort": _local, "USBSerialPort": _local}
"""Keys of a board by the class of a resource; exporters offer the first one, targets of labgrid all."""
_ROWS_OF_SHELLS: Rows = {"NetworkService": _service}
_ROWS_OF_USB: Rows = {"NetworkAndroidFastboot": _plugged_in}
USABLE = frozenset((*_ROWS, *_ROWS_OF_SHELLS, *_ROWS_OF_USB))
"""Classes of resources that hil can use."""


def _rows(target: str) -> tuple[Rows, ...]:
    """Return the resources by which a board of a target is reached, best first."""
    of_target = {"pi": (_ROWS_OF_SHELLS,), "android": (_ROWS_OF_USB, _ROWS_OF_SHELLS), "nano33ble": (_ROWS,)}
    return of_target.get(target, (_ROWS, _ROWS_OF_SHELLS, _ROWS_OF_USB))
