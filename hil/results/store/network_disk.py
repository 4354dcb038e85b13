"""Tell whether a folder lies on the disk of another machine, where locks of files cannot be relied on."""

from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_KINDS = frozenset(
    {"afs", "ceph", "cifs", "fuse.sshfs", "fuse.glusterfs", "gpfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"}
)


def network_disk(folder: Path, mounts: Path = _MOUNTS) -> str:
    """Return the kind of the network disk that holds a folder; empty if it is none, or if that is unknown."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    held, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        if len(point) >= held and folder.resolve().is_relative_to(point):
            held, kind = len(point), after.split()[0]
    return kind if kind in _KINDS else ""
