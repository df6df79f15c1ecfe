"""The page of rules as a machine reads it: sections, what each claims, and whether the repository bears that out."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from tests.docs.pages import Place, places, spans

FOLDERS = {
    "specified": "tla/",
    "modelled": "spec/",
    "performed": "physalia/",
    "proved": "spec/induction/",
    "judged by": "conformance/",
}
"""Where each kind of place is."""
OUTSIDE_PROOFS = ("specified", "modelled", "performed")
"""What a rule is said to be as soon as anything there cites it."""
EXPECTED = ("specified", "modelled", "performed", "proved")
"""What a rule has, unless the page says what is not there yet."""
SAID = ("Says", "Why", "Without it")


@frozen
class Evidence:
    """What a page may name beside places: breakers by their kind, models, and what each layer of the proof shows."""

    named: Mapping[str, Collection[str]]
    proved: Mapping[str, Collection[str]]


@frozen
class Section:
    """A rule or a trap: its number, its text, and the items of its list by what they begin with."""

    number: int
    text: str
    items: Mapping[str, str]

    def places(self, kind: str) -> list[Place]:
        """The places of a kind."""
        return places(self.items.get(kind, ""))


def rules(page: str) -> list[Section]:
    """The sections of the rules, in the order of the page."""
    return _sections(page, r"## R(\d+) \w.*")


def traps(page: str) -> list[Section]:
    """The sections of the traps."""
    return _sections(page, r"### Trap (\d+): \w.*")


def _sections(page: str, heading: str) -> list[Section]:
    found = re.findall(rf"^{heading}\n((?:(?!#).*\n?)*)", page, flags=re.MULTILINE)
    return [Section(int(number), text, _items(text)) for number, text in found]


def _items(text: str) -> dict[str, str]:
    return dict(re.findall(r"^- \*([\w ]+)\*: ((?:.+\n?)(?:  .+\n?)*)", text, flags=re.MULTILINE))


def cited_rules(text: str) -> set[int]:
    """The rules that a text cites. A number of three digits is something else."""
    return {int(number) for number in re.findall(r"\bR(\d{1,2})\b", text)}


def cited_traps(text: str) -> set[int]:
    """The traps that a text cites."""
    return {int(number) for number in re.findall(r"\b[Tt]raps? (\d+)", text)}


def faults(page: str, files: Mapping[str, str], root: Path, evidence: Evidence) -> Iterator[str]:
    """Everything in which the page and the repository differ, in sentences."""
    for what, sections, cited in (("R", rules(page), cited_rules), ("trap ", traps(page), cited_traps)):
        numbers = [section.number for section in sections]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"the sections are numbered {numbers}"
        for name, text in files.items():
            yield from (f"{name} cites {what}{number}, which has no section" for number in cited(text) - {*numbers})
        for section in sections:
            yield from (f"{what}{section.number}: {fault}" for fault in _faults(section, root, evidence))
    for rule in rules(page):
        for kind in FOLDERS:
            for place in rule.places(kind):
                if rule.number not in cited_rules(files.get(place.path, "")):
                    yield f"R{rule.number}: said to be {kind} {place.path}, which does not cite it"
        for kind in OUTSIDE_PROOFS:
            if not rule.places(kind):
                yield from (
                    f"R{rule.number}: {name} cites it, and the page names nothing that is {kind}"
                    for name, text in files.items()
                    if name.startswith(FOLDERS[kind]) and not name.startswith(FOLDERS["proved"])
                    if rule.number in cited_rules(text)
                )
        if any(f"**{said}.** " not in rule.text for said in SAID):
            yield f"R{rule.number}: does not say all of {', '.join(SAID)}"
        if any(not rule.places(kind) for kind in EXPECTED) and "not yet" not in rule.items:
            yield f"R{rule.number}: something is missing, and the page does not say that it is not built yet"


def _faults(section: Section, root: Path, evidence: Evidence) -> Iterator[str]:
    if not section.items:
        yield "has no list"
    for kind, item in section.items.items():
        match kind:
            case "not yet":
                yield from () if len(item.split()) > 1 else ("does not say what is not built yet",)
            case "broken by" | "shown by":
                yield from _unknown(item, evidence.named)
            case _ if kind in FOLDERS:
                yield from _misplaced(kind, section.places(kind), root, evidence)
            case _:
                yield f"nothing is called {kind}"
    told = _outside_items(section.text)
    for place in places(told):
        yield from place.faults(root)
    yield from (f"names {span} in passing: it belongs into the list" for span in spans(told) if not places(f"`{span}`"))


def _outside_items(text: str) -> str:
    return text.partition("\n- *")[0]


def _misplaced(kind: str, found: list[Place], root: Path, evidence: Evidence) -> Iterator[str]:
    if not any(place.names for place in found):
        yield f"names nothing that is {kind}"
    for place in found:
        is_proof = place.path.startswith(FOLDERS["proved"])
        if not place.path.startswith(FOLDERS[kind]) or (is_proof and kind != "proved"):
            yield f"{place.path} is no place for what is {kind}"
        yield from place.faults(root)
        if kind == "proved":
            shown = evidence.proved.get(Path(place.path).stem, ())
            yield from (f"{name} is proved of no layer {place.path}" for name in place.names if name not in shown)


def _unknown(item: str, named: Mapping[str, Collection[str]]) -> Iterator[str]:
    for part in item.split(";"):
        kind = part.split()[0] if part.split() else ""
        known = named.get(kind)
        if known is None or not spans(part):
            yield f"{part.strip()!r} does not begin with one of {', '.join(named)}, or names none"
            continue
        yield from (f"there are no {kind} {name}" for name in spans(part) if name not in known)
