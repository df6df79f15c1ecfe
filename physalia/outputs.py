"""Files that are written whole or not at all: beside their places first, and all of them put there at the end."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4


def write(contents: Mapping[Path, bytes]) -> None:
    """Write these files, or change none of them: OSError that names the file which cannot be written.

    A pipe or a device has no place beside it: such are written after all others are ready, and cannot be taken back.
    """
    ready: dict[Path, Path] = {}
    path = Path()
    try:
        for path in contents:
            if path.is_file() or not path.exists():
                ready[path] = _beside(path.resolve(), contents[path])
        for path in contents.keys() - ready.keys():
            path.write_bytes(contents[path])
        for path, fresh in ready.items():
            fresh.replace(path.resolve())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        for fresh in ready.values():
            fresh.unlink(missing_ok=True)


def _beside(place: Path, content: bytes) -> Path:
    """A new file in the same folder, with this content and the rights of the one whose place it shall take."""
    if place.exists() and not os.access(place, os.W_OK):
        raise PermissionError(13, os.strerror(13), str(place))
    fresh = place.with_name(f".physalia-{uuid4().hex}")
    try:
        fresh.write_bytes(content)
        if place.exists():
            shutil.copymode(place, fresh)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh
