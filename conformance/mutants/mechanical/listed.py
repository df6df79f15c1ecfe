"""The faults about which something is written down, each with the reason.

``equivalent.toml`` has those that are none, and ``survivors.toml`` those that are, and that no link refutes yet.
"""

import tomllib
from collections.abc import Mapping
from importlib import resources

from conformance.links import BadInput


def equivalent() -> Mapping[str, str]:
    """By the names of the faults, why nobody can tell; BadInput for a malformed file."""
    return _listed("equivalent")


def survivors() -> Mapping[str, str]:
    """By the names of the faults, why no link kills them; BadInput for a malformed file."""
    return _listed("survivors")


def _listed(kind: str) -> Mapping[str, str]:
    return read(resources.files(__package__).joinpath(f"{kind}.toml").read_text(encoding="utf-8"), kind)


def read(text: str, kind: str) -> Mapping[str, str]:
    """The reasons in the text of ``KIND.toml``, whose entries are ``[[KIND]]``; BadInput names what is malformed."""
    file = f"{kind}.toml"
    try:
        entries = tomllib.loads(text).get(kind, [])
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{file} is no list of [[{kind}]] entries: {error}.") from None
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        raise BadInput(f"{file} is no list of [[{kind}]] entries: `{kind}` is something else.")
    reasons: dict[str, str] = {}
    for entry in entries:
        name, reason = entry.get("fault"), entry.get("reason")
        if set(entry) != {"fault", "reason"} or not (isinstance(name, str) and isinstance(reason, str) and reason):
            raise BadInput(f"{file}: the entry of the fault {name!r} needs a fault and a reason, and nothing else.")
        if name in reasons:
            raise BadInput(f"{file} lists the fault {name!r} twice; leave one of them out.")
        reasons[name] = reason
    return reasons
