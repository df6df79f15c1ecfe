"""Inventories, asked for as the tests of the importer ask for them."""

from typing import Any

from physalia.placement.netbox.dump import loads
from physalia.placement.netbox.inventory import import_site
from physalia.placement.netbox.options import Imported, Options
from physalia.placement.site.topology import Topology
from tests.physalia.placement.harbour import as_text, harbour

Entries = list[dict[str, Any]]


def imported(entries: Entries | None = None, **options: Any) -> Imported:
    dump = loads(as_text(harbour() if entries is None else entries).encode(), "dump.json")
    return import_site(dump, Options(**{"site": "harbour-1", **options}))


def topology(**options: Any) -> Topology:
    return imported(**options).topology


def noted(notes: Any, words: str) -> tuple[str, ...]:
    (found,) = [note.objects for note in notes if words in note.what]
    return tuple(found)


def find(entries: Entries, model: str, **fields: Any) -> dict[str, Any]:
    """The fields of the one entry of a model that has these."""
    (found,) = [
        entry["fields"]
        for entry in entries
        if entry["model"] == f"dcim.{model}" and fields.items() <= entry["fields"].items()
    ]
    fields_found: dict[str, Any] = found
    return fields_found


def key_of(entries: Entries, model: str, **fields: Any) -> int:
    """The key of the one entry of a model that has these fields."""
    wanted = find(entries, model, **fields)
    (key,) = [entry["pk"] for entry in entries if entry["fields"] is wanted]
    return int(key)
