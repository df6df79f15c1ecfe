"""What a NetBox file holds: the entries that ``manage.py dumpdata`` writes, by model and key; or ``pg_dump``, as text.

Written for NetBox 3.3 and later, where the ends of cables are entries of their own. Dialects differ: since 3.6 a device
names its ``role``, since 4.5 entries of their own say which ports of a panel belong together. Whatever is wrong with a
file is one sentence with the file and the entry.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn
from unicodedata import normalize

from attrs import field, frozen

from physalia.placement.errors import BadTopology
from physalia.placement.netbox import sql

REQUIRED: Final = ("site", "rack", "devicerole", "device")
"""The models of the application dcim without which there is nothing to import."""

_APPLICATION: Final = "dcim."


@frozen
class Entry:
    """One object of the inventory: its model without the application, its key, and its fields."""

    model: str
    key: int
    fields: Mapping[str, Any] = field(repr=False)
    where: str = field(repr=False)

    def text(self, name: str) -> str:
        """A field that holds text, stripped, in NFC, what cannot be printed as space; empty where NetBox has none."""
        value = self._field(name)
        if value is not None and not isinstance(value, str):
            self.refuse(f"its field {name} holds {value!r}, which is no text")
        return normalize("NFC", "".join(one if one.isprintable() else " " for one in value or "")).strip()

    def number(self, name: str) -> int:
        """A field that must hold a whole number or the key of another entry."""
        value = self.reference(name)
        if value is None:
            self.refuse(f"its field {name} is empty")
        return value

    def reference(self, *names: str) -> int | None:
        """A field that holds the key of another entry; the first that there is of several names."""
        value = self._field(next((name for name in names if name in self.fields), names[0]))
        if value is not None and type(value) is not int:
            self.refuse(f"its field {names[0]} holds {value!r}, which is no key of an entry")
        return value

    def has(self, name: str) -> bool:
        """Whether it has a field at all, in this dialect."""
        return name in self.fields

    def called(self) -> str:
        """How complaints call it."""
        name = self.fields.get("name")
        return f"{_APPLICATION}{self.model} {self.key}" + (f" ({name})" if isinstance(name, str) and name else "")

    def refuse(self, problem: str) -> NoReturn:
        """Complain about this entry."""
        raise BadTopology(f"{self.where}: {self.called()} cannot be used: {problem}.")

    def _field(self, name: str) -> Any:
        if name not in self.fields:
            self.refuse(f"it has no field {name}")
        return self.fields[name]


@frozen(eq=False)
class Dump:
    """The entries of a file."""

    where: str
    tables: Mapping[str, Mapping[int, Entry]]

    def all(self, model: str) -> Iterator[Entry]:
        """The entries of a model, by key; none if the file has no such model."""
        table = self.tables.get(model, {})
        return (table[key] for key in sorted(table))

    def named_by(self, entry: Entry, model: str, *names: str) -> Entry | None:
        """The entry that another one refers to, or None; BadTopology if the file does not hold it."""
        key = entry.reference(*names)
        if key is None:
            return None
        return self.get(model, key, entry)

    def get(self, model: str, key: int, referrer: Entry) -> Entry:
        """The entry with a key; BadTopology, naming who refers to it, if the file does not hold it."""
        found = self.tables.get(model, {}).get(key)
        if found is None:
            advice = "" if model in self.tables else f"; the file holds no {_APPLICATION}{model} at all, dump it too"
            referrer.refuse(f"it refers to {_APPLICATION}{model} {key}, which the file does not hold{advice}")
        return found


def read(path: Path) -> Dump:
    """The entries of a file; BadTopology, in one sentence, if it is no dump or lacks a model that is needed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadTopology(f"{path}: the inventory cannot be read: {error.strerror}.") from error
    return loads(content, str(path))


def loads(content: bytes, where: str) -> Dump:
    """The entries that bytes hold; ``where`` names them in complaints."""
    document = list(sql.entries(content, where)) if sql.MARK in content else _json(content, where)
    if not isinstance(document, list):
        raise BadTopology(f"{where}: this is no dump of NetBox, which is a list of entries with model, pk and fields.")
    tables: dict[str, dict[int, Entry]] = {}
    for at, raw in enumerate(document):
        if not (isinstance(raw, dict) and isinstance(raw.get("model"), str) and isinstance(raw.get("fields"), dict)):
            raise BadTopology(f"{where}: entry {at} is no entry of a dump of NetBox: it lacks model or fields.")
        if not raw["model"].startswith(_APPLICATION):
            continue
        model, key = raw["model"].removeprefix(_APPLICATION), raw.get("pk")
        if type(key) is not int:
            raise BadTopology(f"{where}: entry {at}, {raw['model']}, has no key; dump without --natural-primary.")
        if key in tables.setdefault(model, {}):
            raise BadTopology(f"{where}: two entries are {raw['model']} {key}; every key stands once in a dump.")
        tables[model][key] = Entry(model, key, raw["fields"], where)
    missing = [f"{_APPLICATION}{model}" for model in REQUIRED if model not in tables]
    if missing:
        raise BadTopology(f"{where}: this inventory holds no {' and no '.join(missing)}; dump these models too.")
    return Dump(where, tables)


def _json(content: bytes, where: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadTopology(f"{where}: this is not JSON: {str(error).rstrip('.')}.") from error
