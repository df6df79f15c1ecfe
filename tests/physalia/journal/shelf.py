"""A journal in a fresh directory, and a few words to say what happens to it."""

import shutil
from pathlib import Path

import apsw

from physalia.journal import Directory, Journal, NodeKey
from physalia.journal.database import LOG, NAME
from physalia.journal.marks import NAME as MARKS

SERVER = 7
ANN = NodeKey(cell=1, life=11, incarnation=101)
BOB = NodeKey(cell=2, life=22, incarnation=102)
FILES = (NAME, LOG, MARKS)


class Shelf:
    """One directory, in which one process after the other opens the journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[Journal] = []

    def create(self) -> Journal:
        """Make the journal, with two nodes, and open it."""
        Journal.create(Directory(self.folder), SERVER)
        journal = self.open()
        journal.admit(ANN)
        journal.admit(BOB)
        journal.flush()
        return journal

    def open(self) -> Journal:
        """Open the journal."""
        self.opened.append(Journal(Directory(self.folder), SERVER))
        return self.opened[-1]

    def reopen(self) -> Journal:
        """Die and come back."""
        self.die()
        return self.open()

    def die(self) -> None:
        """End as a killed process does: nothing is written any more, and the page cache stays."""
        for journal in self.opened:
            journal._store.connection.close()
            journal._store.files.unlock()
        self.opened.clear()

    def path(self, name: str) -> Path:
        """A file of the journal."""
        return self.folder / name

    def copy_to(self, folder: Path) -> "Shelf":
        """The files as they stand now, elsewhere."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Shelf(folder)

    def contents(self) -> dict[str, bytes]:
        """Every file and its bytes."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


def store(journal: Journal, *records: bytes, node: NodeKey = ANN) -> None:
    """One batch, flushed."""
    journal.append([(node, record) for record in records])
    journal.flush()


def execute(path: Path, command: str, *values: object) -> None:
    """Change a database behind the journal's back."""
    connection = apsw.Connection(str(path))
    connection.execute(command, values)
    connection.close()
