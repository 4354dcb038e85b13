"""States of what `hil doctor` finds."""

from collections.abc import Iterable

from hil.doctor.finding import Finding, State


def states(findings: Iterable[Finding]) -> dict[str, State]:
    """Map each subject to its worst state; each fault must have a remedy."""
    found: dict[str, State] = {}
    for finding in findings:
        assert bool(finding.remedy) == (finding.state is not State.OK), finding
        if found.get(finding.subject, State.OK) is State.OK:
            found[finding.subject] = finding.state
    return found
