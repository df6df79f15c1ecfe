"""What reaches a terminal: every command prints through here, and nothing that comes from a file is more than text.

A name may hold an escape sequence, the line that says that all is well, or half of a character. So whatever cannot be
printed is escaped, a line stays one line, and colours are put in by this program alone.
"""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def shown(text: str) -> str:
    """A text on one line: characters that cannot be printed are escaped as in Python, all others are as they are."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def say(*lines: str, to_stderr: bool = False) -> None:
    """Print lines, on standard output unless said otherwise; who waits for them at a pipe or a file has them then."""
    stream = sys.stderr if to_stderr else sys.stdout
    for line in lines:
        print(shown(line), file=stream)
    stream.flush()


def print_json(data: Mapping[str, Any]) -> None:
    """Print data as JSON on standard output: what cannot be printed is escaped there as JSON does it."""
    utf = (sys.stdout.encoding or "").lower().startswith("utf")  # else what the terminal lacks is escaped too
    for line in json.dumps(data, indent=2, ensure_ascii=not utf).split("\n"):  # inside of a text JSON escapes them
        print("".join(one if one.isprintable() else _in_json(one) for one in line))


def console(*, to_stderr: bool = False) -> "Console":
    """A console for tables and colours, whose lines are shown as `say` shows them."""
    from rich.console import Console  # noqa: PLC0415  # most commands need none

    class Shown(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            super().print(*(shown(one) if isinstance(one, str) else one for one in objects), **options)

    return Shown(file=sys.stderr if to_stderr else sys.stdout, highlight=False, emoji=False)


def cell(text: object, style: str = "") -> "Text":
    """What stands in a cell of a table: text, and no markup."""
    from rich.text import Text  # noqa: PLC0415

    return Text(shown(str(text)), style)


def _in_json(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else json.dumps(character)[1:-1]  # noqa: PLR2004  # beyond it JSON takes two
