"""What a command about placement has to say: for people or as JSON, with the exit code; and what several ones share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from conformance.links import BadInput
from physalia import outputs
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from physalia.placement.survival.by_cuts import Survival

SCHEMA_VERSION: Final = 1
EXIT_CODES: Final = {"placed": 0, "impossible": 1, "inconclusive": 3}
REFUTED: Final = 1


@frozen
class Told:
    """What was found, as plain data and as lines, and the exit code. Printed when progress is no longer shown."""

    document: Mapping[str, Any]
    lines: tuple[str, ...]
    code: int

    def printed(self, *, json: bool) -> int:
        """Print it one way or the other; the exit code."""
        if json:
            print_json({"schema_version": SCHEMA_VERSION, **self.document})
        else:
            say(*self.lines)
        return self.code


def brief(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Of what was measured the numbers and, if there are any, the devices with their shares."""
    told = {key: measured[key] for key in ("availability", "unavailability", "availability_unknown") if key in measured}
    listed = [{key: one[key] for key in ("device", "kind", "share")} for one in measured.get("devices", ())]
    return {**told, **({"devices": listed} if listed else {})}


def write_certificate(made: Mapping[str, Any], file: Path) -> None:
    """Write a certificate to a file; BadInput if it cannot be written."""
    from physalia.placement.certificates.certificate import dumps  # noqa: PLC0415

    try:
        outputs.write({file: dumps(made).encode()})
    except OSError as error:
        raise BadInput(f"{file}: the certificate cannot be written: {error.strerror}.") from error


def survival_code(found: "Sequence[Survival]") -> int:
    """The exit code of what both ways found."""
    if any(one.holds is False for one in found):
        return REFUTED
    return 0 if all(one.holds for one in found) else EXIT_CODES["inconclusive"]
