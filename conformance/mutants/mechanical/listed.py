"""The faults that are none: each listed in ``equivalent.toml``, with the reason."""

import tomllib
from collections.abc import Mapping
from importlib import resources

from conformance.links import BadInput

FILE = "equivalent.toml"


def equivalent() -> Mapping[str, str]:
    """By the names of the faults, why nobody can tell; BadInput for a malformed file."""
    return read(resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8"))


def read(text: str) -> Mapping[str, str]:
    """The reasons in the text of such a file; BadInput names the entry that is malformed."""
    try:
        entries = tomllib.loads(text).get("equivalent", [])
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{FILE} is no list of [[equivalent]] entries: {error}.") from None
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        raise BadInput(f"{FILE} is no list of [[equivalent]] entries: `equivalent` is something else.")
    reasons: dict[str, str] = {}
    for entry in entries:
        name, reason = entry.get("fault"), entry.get("reason")
        if set(entry) != {"fault", "reason"} or not (isinstance(name, str) and isinstance(reason, str) and reason):
            raise BadInput(f"{FILE}: the entry of the fault {name!r} needs a fault and a reason, and nothing else.")
        if name in reasons:
            raise BadInput(f"{FILE} lists the fault {name!r} twice; leave one of them out.")
        reasons[name] = reason
    return reasons
