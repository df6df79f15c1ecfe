"""What TLA+'s parser complains of, in sentences that begin with file, line and column, each once.

The parser says a place in one line and the complaint in the next, or both in one line and the module far below; it
reports its findings to two streams, so that all of them come twice; and it adds the state of its own stack.
"""

import re
from collections.abc import Iterator, Sequence

_PLACE = re.compile(r"line (?P<line>\d+), col (?P<column>\d+) to line \d+, col \d+ of module (?P<module>\w+)")
_ENCOUNTERED = re.compile(r"Encountered (?P<token>.*) at line (?P<line>\d+), column (?P<column>\d+)(?P<rest>.*)")
_IN_MODULE = re.compile(r"Could not parse module (?P<module>\w+) from file")
_CHATTER = re.compile(
    r"Parsing file |Semantic processing of module |Linting of module |\*\*\*|Residual stack trace|Module definition "
    r"|Fatal errors while parsing|tla2sany\.|In module |Could not parse module|Semantic errors:|Starting\.\.\.|\t"
)


def parser_sentences(lines: Sequence[str]) -> list[str]:
    """The complaints among the lines that the parser printed."""
    return list(dict.fromkeys(_sentences([line.strip() for line in lines])))


def _sentences(lines: Sequence[str]) -> Iterator[str]:
    module = next((found["module"] for found in map(_IN_MODULE.search, lines) if found), "")
    expected, place = "", ""
    for line in lines:
        if at := _PLACE.fullmatch(line):
            place = f"{at['module']}.tla:{at['line']}:{at['column']}: "
        elif line.startswith("Was expecting "):
            expected = f", where {line.removeprefix('Was expecting ')} was expected"
        elif met := _ENCOUNTERED.match(line):
            file = f"{module}.tla:" if module else "line "
            yield f"{file}{met['line']}:{met['column']}: {met['token']}{met['rest'].rstrip()}{expected}"
            expected = ""
        elif line and not _CHATTER.match(line):
            yield place + line
            place = ""
