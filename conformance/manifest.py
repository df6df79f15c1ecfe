"""The manifest of the specifications: every model with what TLC must find, and every twin with what must fall.

``tla/manifest.toml`` holds tables ``[[model]]`` and ``[[twin]]``. A model names a pair ``NAME.tla``, ``NAME.cfg`` and
the exact result of its run. A twin is a one-line substitution that puts one bug in, and names what must then be
violated. Whatever is wrong with the file is one sentence that names file, line and entry: ``BadInput``.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import asdict, define, field, frozen

from conformance.links import BadInput, Profile

SCHEMA_VERSION = 1
HOLDS = "holds"
REFUTED = "refuted"
SURVIVES = "survives"
_IMPORT = re.compile(r"(?:^EXTENDS|\bINSTANCE) +(\w+(?:, *\w+)*)")
_MODULE = re.compile(r"\w+")
_COMMENT = re.compile(r"\\\*.*|\(\*.*?\*\)")
_WITH_TLC = {
    "Naturals", "Integers", "Reals", "Sequences", "FiniteSets", "Bags", "RealTime", "TLC", "TLCExt", "Toolbox",
    "Randomization", "Json",
}  # fmt: skip
"""The modules that come with TLC, so that no file of theirs need be there."""


@frozen(kw_only=True)
class Model:
    """A model and the result that its run must have, exactly. A count of 0 is not known yet, so that nothing holds."""

    name: str
    rung: str
    purpose: str
    bounds: str
    profile: Profile
    expect: str
    distinct: int
    generated: int
    depth: int
    graph: Profile | None = None
    slow: bool = False
    """Whether TLC takes long for each state, so that a run is long although it generates few."""
    reaches: tuple[str, ...] = ()
    actions: tuple[str, ...] | None = None
    violates: str = ""
    length: int = 0


@frozen(kw_only=True)
class Twin:
    """One bug put into one module, and what must fall with it.

    ``kills`` is what falls when everything is checked, after ``length`` states (0 for an ASSUME).
    ``without_refinement`` is what falls when the model's refinement is not checked, or ``survives``; it is empty when
    the model checks no refinement.
    """

    name: str
    model: str
    file: str
    replace: str
    with_: str
    kills: str
    length: int
    profile: Profile
    without_refinement: str = ""


@frozen(kw_only=True)
class Manifest:
    """The models and twins of a folder of specifications, in the order of the file."""

    folder: Path
    models: tuple[Model, ...]
    twins: tuple[Twin, ...]

    @property
    def path(self) -> Path:
        """The file itself."""
        return self.folder / "manifest.toml"

    def model(self, name: str) -> Model:
        """The model ``name``; BadInput with the closest names when there is none."""
        return _named(name, self.models, "model", self.path)

    def twin(self, name: str) -> Twin:
        """The twin ``name``; BadInput with the closest names when there is none."""
        return _named(name, self.twins, "twin", self.path)

    def as_json(self) -> Mapping[str, Any]:
        """Models and twins for machines, as docs/spec-list.schema.json describes them."""
        twins = [{key.removesuffix("_"): value for key, value in asdict(twin).items()} for twin in self.twins]
        return {"schema_version": SCHEMA_VERSION, "models": [asdict(model) for model in self.models], "twins": twins}


_Entry = TypeVar("_Entry", Model, Twin)


def _named(name: str, entries: tuple[_Entry, ...], kind: str, path: Path) -> _Entry:
    for entry in entries:
        if entry.name == name:
            return entry
    close = difflib.get_close_matches(name, [entry.name for entry in entries], n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else "`physalia spec list` shows those that there are."
    raise BadInput(f"{path}: there is no {kind} called {name}; {hint}")


def tla_folder() -> Path:
    """The folder ``tla``: in an installed package beside this file, in a checkout beside the package."""
    here = Path(__file__).parent
    installed = here / "tla"
    return installed if installed.is_dir() else here.parent / "tla"


def load_manifest(folder: Path | None = None) -> Manifest:
    """Read and check ``manifest.toml`` in ``folder`` (that of the project unless named); BadInput when it is wrong."""
    folder = folder or tla_folder()
    path = folder / "manifest.toml"
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; every folder of specifications needs its manifest.") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; save the file in that encoding.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: this is not TOML: {error}; correct it there.") from None
    except OSError as error:
        raise BadInput(f"{path}: it cannot be read ({error.strerror}); make it a readable file.") from None
    return _Reader(path, text).manifest(content)


def apply_twin(twin: Twin, folder: Path, manifest: Path) -> None:
    """Put the twin's bug into its module in ``folder``, a copy; BadInput when its text is not there exactly once."""
    (folder / twin.file).write_text(with_twin(twin, folder, manifest), encoding="utf-8")


def with_twin(twin: Twin, folder: Path, manifest: Path) -> str:
    """The text of the twin's module with its bug in; BadInput when what it replaces is not there exactly once."""
    text = (folder / twin.file).read_text(encoding="utf-8")
    found = text.count(twin.replace)
    if found != 1:
        raise BadInput(
            f"{manifest}: twin {twin.name} replaces {twin.replace!r}, which occurs {found} times in {twin.file} "
            "instead of once; adapt the twin to the module."
        )
    return text.replace(twin.replace, twin.with_)


@define
class _Table:
    """One table of the file while it is read: what is taken from it is ticked off, and the rest is unknown."""

    where: Callable[[str | None], str]
    content: Mapping[str, Any]
    taken: set[str] = field(factory=set)

    def fail(self, key: str | None, problem: str) -> BadInput:
        return BadInput(f"{self.where(key)}: {problem}")

    def needs(self, *keys: str) -> None:
        missing = [key for key in keys if key not in self.content]
        if len(missing) > 1:
            raise self.fail(None, f"the keys {', '.join(missing)} are missing; add them.")

    def text(self, key: str, *, default: str | None = None) -> str:
        value = self._value(key, default)
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self.fail(key, f"{key} = {value!r} is not a text; write one in quotes.")
        return value

    def count(self, key: str, *, default: int | None = None) -> int:
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < (1 if default is None else 0):
            raise self.fail(key, f"{key} = {value!r} is not a number of 1 or more; write one.")
        return value

    def count_if_known(self, key: str) -> int:
        return self.count(key) if key in self.content else self.count(key, default=0)

    def names(self, key: str) -> tuple[str, ...] | None:
        value = self._value(key, ())
        if value == () and key not in self.content:
            return None
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            raise self.fail(key, f'{key} = {value!r} is not a list of names; write it as ["A", "B"].')
        if len(set(value)) != len(value):
            raise self.fail(key, f"{key} names something twice; name each once.")
        return tuple(value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in choices:
            raise self.fail(key, f"{key} = {value!r} is not known; write one of {', '.join(choices)}.")
        return value

    def flag(self, key: str) -> bool:
        value = self._value(key, False)
        if not isinstance(value, bool):
            raise self.fail(key, f"{key} = {value!r} is neither true nor false; write one of them.")
        return value

    def profile(self, key: str) -> Profile:
        return Profile(self.choice(key, tuple(Profile)))

    def nothing_else(self) -> None:
        for key in self.content:
            if key not in self.taken:
                close = difflib.get_close_matches(key, self.taken, n=1)
                hint = f"write {close[0]}" if close else "take it out"
                raise self.fail(key, f"the key {key} means nothing here; {hint}.")

    def _value(self, key: str, default: object) -> object:
        self.taken.add(key)
        if key in self.content:
            return self.content[key]
        if default is None:
            raise self.fail(None, f"the key {key} is missing; add it.")
        return default


class _Reader:
    """Turns the parsed file into a Manifest, and knows the line of everything for its error sentences."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._whole: set[str] = set()

    def manifest(self, content: Mapping[str, Any]) -> Manifest:
        top = _Table(lambda key: self._place(key, range(len(self._lines))), content)
        if top.count("schema_version") != SCHEMA_VERSION:
            raise top.fail("schema_version", f"this program reads schema_version = {SCHEMA_VERSION} only; use that.")
        models = tuple(self._model(table) for table in self._tables(top, "model"))
        twins = tuple(self._twin(table, models) for table in self._tables(top, "twin"))
        top.nothing_else()
        if not models:
            raise top.fail(None, "it lists no model; add a [[model]].")
        return Manifest(folder=self._path.parent, models=models, twins=twins)

    def _tables(self, top: _Table, kind: str) -> list[_Table]:
        top.taken.add(kind)
        entries = top.content.get(kind, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise top.fail(kind, f"{kind} is not a list of tables; write [[{kind}]] above each.")
        names: set[str] = set()
        tables = []
        for number, entry in enumerate(entries):
            table = self._table(kind, number, entry)
            name = table.text("name")
            if name in names:
                raise table.fail("name", f"there is another {kind} called {name}; give each its own name.")
            names.add(name)
            tables.append(table)
        return tables

    def _table(self, kind: str, number: int, entry: Mapping[str, Any]) -> _Table:
        headers = [at for at, line in enumerate(self._lines) if line.split("#")[0].strip() == f"[[{kind}]]"]
        start = headers[number] if number < len(headers) else 0
        ends = [at for at in range(start + 1, len(self._lines)) if self._lines[at].startswith("[")]
        within = range(start, ends[0] if ends else len(self._lines))
        label = f"{kind} {entry['name']}" if isinstance(entry.get("name"), str) else f"{kind} number {number + 1}"
        return _Table(lambda key: f"{self._place(key, within)}: {label}", entry)

    def _place(self, key: str | None, within: range) -> str:
        for at in within:
            if key is not None and self._lines[at].split("=")[0].strip(" []") == key:
                return f"{self._path}:{at + 1}"
        return f"{self._path}:{within.start + 1}"

    def _model(self, table: _Table) -> Model:
        name = table.text("name")
        for suffix in (".tla", ".cfg"):
            self._must_exist(table, "name", name + suffix)
        table.needs(
            "rung", "purpose", "bounds", "profile", "expect", *(["reaches"] if "expect" not in table.content else [])
        )
        expect = table.choice("expect", (HOLDS, REFUTED))
        refuted = expect == REFUTED
        model = Model(
            name=name,
            rung=table.text("rung"),
            purpose=table.text("purpose"),
            bounds=table.text("bounds"),
            profile=table.profile("profile"),
            expect=expect,
            distinct=table.count_if_known("distinct"),
            generated=table.count_if_known("generated"),
            depth=table.count_if_known("depth"),
            graph=table.profile("graph") if "graph" in table.content else None,
            slow=table.flag("slow"),
            reaches=table.names("reaches") or (),
            actions=table.names("actions"),
            violates=table.text("violates") if refuted else "",
            length=table.count_if_known("length") if refuted else 0,
        )
        table.nothing_else()
        self._must_exist(table, "rung", f"{model.rung}.tla")
        self._must_find_modules(name)
        if not (refuted or model.reaches):
            raise table.fail(None, "it names nothing that must be reached; list its witnesses under reaches.")
        if model.graph is not None and not model.graph.includes(model.profile):
            raise table.fail("graph", f"graph = {str(model.graph)!r} comes before the model's own profile; move one.")
        return model

    def _twin(self, table: _Table, models: tuple[Model, ...]) -> Twin:
        twin = Twin(
            name=table.text("name"),
            model=table.text("model"),
            file=table.text("file"),
            replace=table.text("replace"),
            with_=table.text("with", default=""),
            kills=table.text("kills"),
            length=table.count("length", default=0),
            profile=table.profile("profile"),
            without_refinement=table.text("without_refinement", default=""),
        )
        table.nothing_else()
        if twin.model not in [model.name for model in models]:
            raise table.fail("model", f"there is no model {twin.model}; name one that this file lists.")
        self._must_exist(table, "file", twin.file)
        if twin.replace == twin.with_:
            raise table.fail("with", "the replacement is the same as what it replaces; a twin must change something.")
        for key, text in (("replace", twin.replace), ("with", twin.with_)):
            if "\n" in text:
                raise table.fail(key, "the text spans several lines; name a part of one line.")
        return twin

    def _must_find_modules(self, module: str) -> None:
        """Whatever a module extends or instantiates is in the folder, or comes with TLC; and so on from there."""
        if module in self._whole:
            return
        self._whole.add(module)
        path = self._path.parent / f"{module}.tla"
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            for wanted in _MODULE.findall(" ".join(_IMPORT.findall(_COMMENT.sub("", line)))):
                if wanted in _WITH_TLC:
                    continue
                if not (self._path.parent / f"{wanted}.tla").is_file():
                    problem = f"module {wanted} is in no file {wanted}.tla beside it; add it or correct the name."
                    raise BadInput(f"{path}:{number}: {problem}")
                self._must_find_modules(wanted)

    def _must_exist(self, table: _Table, key: str, file: str) -> None:
        if Path(file).name != file or not (self._path.parent / file).is_file():
            raise table.fail(key, f"there is no file {file} in {self._path.parent}; add it or correct the name.")
