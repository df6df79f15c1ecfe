"""Policies: the rules that a placement must keep, each with a name of its own, and what counts as spread.

A policy is a TOML file: ``cell_size``, ``one_color``, ``spread``, and a list of ``[[rules]]``, each with an ``id`` and
a ``type``. Three rules always hold and have fixed ids: a drained server takes no nodes (``drained``), a full server
takes none (``capacity``), and, with ``one_color``, all nodes of a cell are of one colour (``color``).
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, get_args
from unicodedata import normalize

import attrs
from attrs import field, frozen

from physalia.placement.errors import BadPolicy
from physalia.placement.site.topology import MOST_COUNT

DomainKind = Literal["rack", "row", "pdu", "ups", "feed"]
Client = Literal["instance", "primary", "replica"]

DOMAIN_KINDS: Final[tuple[DomainKind, ...]] = get_args(DomainKind)
CLIENTS: Final[tuple[Client, ...]] = get_args(Client)
FIXED_IDS: Final = ("drained", "capacity", "color")
"""The ids of the rules that always hold; no rule of a policy may take one."""

DEFAULT_CELL_SIZE: Final = 7


@frozen(kw_only=True)
class Cap:
    """At most ``most`` nodes in any one domain of a kind. A power domain is a set of racks with the same ancestors."""

    id: str
    kind: DomainKind
    most: int


@frozen(kw_only=True)
class Minimum:
    """At least ``least`` nodes in one domain of a kind: the one named, or the one in which a client stands."""

    id: str
    kind: DomainKind
    least: int
    name: str | None = None
    of: Client | None = None


@frozen(kw_only=True)
class SingleFailure:
    """At most ``most`` nodes lose power when any one rack or element of power fails alone."""

    id: str
    most: int


@frozen(kw_only=True)
class PairCap:
    """At most ``most`` nodes in racks with the same set of power elements at a level; at every level without a kind."""

    id: str
    most: int
    kind: Literal["pdu", "ups", "feed"] | None = None


@frozen(kw_only=True)
class HopLimit:
    """No node is more than ``most`` links away from a client."""

    id: str
    client: Client
    most: int


@frozen(kw_only=True)
class AntiAffinity:
    """No node on a server of the volume itself: its instance, its primary, its replica."""

    id: str


@frozen(kw_only=True)
class Overlap:
    """At most ``most`` servers shared with any existing cell."""

    id: str
    most: int


@frozen(kw_only=True)
class Survives:
    """After any single failure in which the instance is up and reaches a client, that reaches a majority of the cell.

    The client is the instance itself, unless another is named. Reachability is not transitive through a server: an
    instance on two switches may reach the cell where its primary does not.
    """

    id: str
    client: Client | None = None

    @property
    def seen_from(self) -> Client:
        """The client that must reach a majority."""
        return self.client or "instance"


Rule = Cap | Minimum | SingleFailure | PairCap | HopLimit | AntiAffinity | Overlap | Survives

TYPES: Final[Mapping[str, type[Rule]]] = {
    "cap": Cap,
    "minimum": Minimum,
    "single-failure": SingleFailure,
    "pair-cap": PairCap,
    "hop-limit": HopLimit,
    "anti-affinity": AntiAffinity,
    "overlap": Overlap,
    "survives": Survives,
}
"""The rules, by the type that a policy file calls them."""

_NAMES_OF_TYPES: Final = {rule: name for name, rule in TYPES.items()}


@frozen(kw_only=True)
class Policy:
    """The rules of a fleet. ``spread`` names the kinds of domains over which nodes should be spread."""

    cell_size: int = DEFAULT_CELL_SIZE
    one_color: bool = True
    spread: tuple[DomainKind, ...] = ()
    rules: tuple[Rule, ...] = field(factory=tuple)
    where: str = field(default="the policy", eq=False, repr=False)
    """How complaints call it: by its file, if it was read from one."""

    @property
    def majority(self) -> int:
        """How many nodes of the cell are a majority."""
        return self.cell_size // 2 + 1


def read(path: Path) -> Policy:
    """The policy of a TOML file; BadPolicy, in one sentence with file and rule, if it is not one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadPolicy(f"{path}: the policy cannot be read: {reason}.") from error
    return parse(text, str(path))


def parse(text: str, where: str) -> Policy:
    """The policy that a TOML text states; ``where`` names it in complaints."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of TOML; of a number too long; of lists in lists in lists
        raise BadPolicy(f"{where}: this is not TOML: {str(error).rstrip('.')}.") from error
    return from_document(document, where)


def default() -> Policy:
    """The policy that is shipped and used unless another is named: ``policies/default.toml``."""
    name = "policies/default.toml"
    return parse(files("physalia.placement").joinpath(name).read_text(encoding="utf-8"), name)


def blast_radius() -> Policy:
    """The policy by which no volume falls with the configuration store alone: ``policies/blast-radius.toml``."""
    name = "policies/blast-radius.toml"
    return parse(files("physalia.placement").joinpath(name).read_text(encoding="utf-8"), name)


def to_document(policy: Policy) -> dict[str, Any]:
    """The policy as plain data, every setting explicit: what a TOML file would hold, and what certificates embed."""
    return {
        "cell_size": policy.cell_size,
        "one_color": policy.one_color,
        "spread": list(policy.spread),
        "rules": [rule_document(rule) for rule in policy.rules],
    }


def rule_document(rule: Rule) -> dict[str, Any]:
    """One rule as plain data; what it leaves open is left out."""
    told = {key: value for key, value in attrs.asdict(rule).items() if value is not None}
    return {"id": told.pop("id"), "type": _NAMES_OF_TYPES[type(rule)], **told}


def from_document(document: Mapping[str, Any], where: str) -> Policy:
    """The policy that plain data state; BadPolicy, in one sentence that begins with ``where``, if they state none."""
    known = {"cell_size", "one_color", "spread", "rules"}
    for key in document:
        if key not in known:
            raise BadPolicy(f"{where}: there is no setting {key}; there are {', '.join(sorted(known))}.")
    one_color = document.get("one_color", True)
    if not isinstance(one_color, bool):
        raise BadPolicy(f"{where}: one_color is {one_color!r}, which is neither true nor false.")
    rules = document.get("rules", [])
    if not (isinstance(rules, list) and all(isinstance(rule, dict) for rule in rules)):
        raise BadPolicy(f"{where}: rules must be a list of tables, each begun by [[rules]].")
    policy = Policy(
        cell_size=_count(where, "cell_size", document.get("cell_size", DEFAULT_CELL_SIZE), least=1),
        one_color=one_color,
        spread=_spread(where, document.get("spread", [])),
        rules=tuple(_rule(where, at, rule) for at, rule in enumerate(rules, start=1)),
        where=where,
    )
    seen = set(FIXED_IDS)
    for rule in policy.rules:
        if rule.id in FIXED_IDS:
            raise BadPolicy(f"{where}: rule {rule.id}: this id belongs to a rule that always holds; choose another.")
        if rule.id in seen:
            raise BadPolicy(f"{where}: two rules have the id {rule.id}; every rule needs its own.")
        seen.add(rule.id)
    return policy


def _spread(where: str, kinds: object) -> tuple[DomainKind, ...]:
    if not isinstance(kinds, list):
        raise BadPolicy(f"{where}: spread must be a list of kinds of domains.")
    found: list[DomainKind] = [_choice(f"{where}: spread", "kind of domain", kind, DOMAIN_KINDS) for kind in kinds]
    if len(set(found)) != len(found):
        raise BadPolicy(f"{where}: spread names a kind of domain twice.")
    return tuple(found)


def _rule(where: str, at: int, table: Mapping[str, Any]) -> Rule:
    identity = table.get("id")
    if not (isinstance(identity, str) and identity.strip()):
        raise BadPolicy(f"{where}: rule number {at} has no id; every rule needs a name of its own.")
    here = f"{where}: rule {identity}"
    if not identity.isprintable():
        raise BadPolicy(f"{here}: an id may hold only characters that can be printed.")
    if identity != identity.strip() or identity != normalize("NFC", identity):
        raise BadPolicy(
            f"{here}: an id may not begin or end with a space, and is written in Unicode's normal form NFC: "
            "else two that look alike could differ."
        )
    kind = table.get("type")
    if not (isinstance(kind, str) and kind in TYPES):
        raise BadPolicy(f"{here}: there is no type {kind!r}; there are {', '.join(TYPES)}.")
    rule = TYPES[kind]
    fields = attrs.fields_dict(rule)
    for key in table:
        if key != "type" and key not in fields:
            raise BadPolicy(f"{here}: a rule of type {kind} has no key {key}; it has {', '.join(fields)}.")
    for name, attribute in fields.items():
        if attribute.default is attrs.NOTHING and name not in table:
            raise BadPolicy(f"{here}: a rule of type {kind} needs the key {name}.")
    values: dict[str, Any] = {key: _value(here, rule, key, value) for key, value in table.items() if key != "type"}
    made = rule(**values)
    if isinstance(made, Minimum) and (made.name is None) == (made.of is None):
        raise BadPolicy(f"{here}: a minimum needs either the name of a domain or of, a client in it, and not both.")
    return made


def _value(here: str, rule: type[Rule], key: str, value: object) -> object:
    if key in {"most", "least"}:
        return _count(here, key, value, least=0)
    if key == "kind":
        return _choice(here, "kind of domain", value, ("pdu", "ups", "feed") if rule is PairCap else DOMAIN_KINDS)
    if key in {"client", "of"}:
        return _choice(here, "client", value, CLIENTS)
    if not (isinstance(value, str) and value and value.isprintable()):
        raise BadPolicy(f"{here}: {key} is {value!r}, which is no name.")
    return value


def _count(here: str, key: str, value: object, *, least: int) -> int:
    if type(value) is not int or value < least:
        raise BadPolicy(f"{here}: {key} is {value!r}, which is no whole number of at least {least}.")
    if value >= MOST_COUNT:
        raise BadPolicy(f"{here}: {key} is a number of more than 100 digits.")
    return value


def _choice(here: str, what: str, value: object, choices: tuple[Any, ...]) -> Any:
    if value not in choices:
        raise BadPolicy(f"{here}: there is no {what} {value!r}; there are {', '.join(choices)}.")
    return value
