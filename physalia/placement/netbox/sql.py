"""A NetBox database as ``pg_dump`` writes it in plain text: the same entries as in a dump of NetBox, read from rows.

Only the rows of the application dcim are read, and the names of content types, which tell what a cable ends at. A
column ``x_id`` holds the key of another entry, which a dump calls ``x``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from physalia.placement.errors import BadTopology

MARK: Final = b"\nCOPY public."
"""What a file of this kind holds, and one of JSON does not."""

_COPY = re.compile(r'^COPY (?:public\.)?"?(\w+)"? \((.*)\) FROM stdin;$')
_END = "\\."
_PREFIX = "dcim_"
_TYPES = "django_content_type"
_NUMBERS: Final = frozenset({"id", "vc_position", "rear_port_position", "front_port_position",
                             "termination_id", "connector"})  # fmt: skip
_TRUTHS: Final = frozenset({"mgmt_only", "mark_connected", "enabled"})
_ESCAPES: Final = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\b": "\b", "\\f": "\f", "\\v": "\v"}


def entries(content: bytes, where: str) -> Iterator[dict[str, Any]]:
    """The entries, each with its model, key and fields; BadTopology, in a sentence, if rows do not fit their table."""
    try:
        lines = content.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise BadTopology(f"{where}: this is not UTF-8 text, at byte {error.start}.") from error
    tables = dict(_tables(lines, where))
    kinds = {row["id"]: [row["app_label"], row["model"]] for row in tables.get(_TYPES, [])}
    for table, rows in tables.items():
        for row in rows if table.startswith(_PREFIX) else ():
            fields = {name.removesuffix("_id"): value for name, value in row.items() if name not in _NUMBERS}
            fields |= {name: value for name, value in row.items() if name in _NUMBERS and name != "id"}
            if "termination_type" in fields:
                fields["termination_type"] = kinds.get(fields["termination_type"])
            yield {"model": f"dcim.{table.removeprefix(_PREFIX)}", "pk": row.get("id"), "fields": fields}


def _tables(lines: Iterable[str], where: str) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The tables that matter, with their rows."""
    name, columns, rows = "", list[str](), list[Mapping[str, Any]]()
    for number, line in enumerate(lines, start=1):
        if not name:
            begins = _COPY.match(line)
            if begins and (begins[1].startswith(_PREFIX) or begins[1] == _TYPES):
                name, columns, rows = begins[1], [one.strip().strip('"') for one in begins[2].split(",")], []
        elif line == _END:
            yield name, rows
            name = ""
        else:
            values = line.split("\t")
            if len(values) != len(columns):
                raise BadTopology(
                    f"{where}: line {number} has {len(values)} values, and its table {name} {len(columns)} columns."
                )
            rows.append({column: _value(column, text) for column, text in zip(columns, values, strict=True)})
    if name:
        raise BadTopology(f"{where}: the file ends inside the table {name}; it was cut off.")


def _value(column: str, text: str) -> Any:
    """What a column holds: keys and counts are numbers, some columns truths, everything else text."""
    if text == "\\N":
        return None
    if column in _TRUTHS:
        return text == "t"
    if (column in _NUMBERS or column.endswith("_id")) and text.lstrip("-").isdigit():
        return int(text)
    return re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0][1:]), text)
