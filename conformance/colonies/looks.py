"""A judge of reads that may be old (design rule R7): consistent prefixes, and never an older one for the same client.

Two keys are looked at that are always set together. So what a look shows is a state of the store only if both have the
same version, and what is under a key at a version is one thing, whoever looks and wherever. A look names the slot that
it is of, and shows nothing that is newer.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.refutation import Refuted


def judge(looks: Iterable[Mapping[str, Any]]) -> int:
    """Raise `Refuted` for what no prefix of a log shows; return how many looks were judged."""
    shown: dict[tuple[int, str, int], tuple[object, str]] = {}
    newest: dict[tuple[int, int], list[int]] = {}
    count = 0
    for look in looks:
        count += 1
        cell, slot, versions, values = look["cell"], look["slot"], look["versions"], look["values"]
        words = json.dumps(dict(look))
        if slot < look["before"]:
            raise Refuted("a client was shown an older state than before", (words,))
        if len(set(versions)) > 1:
            raise Refuted("two keys that are set together are of two moments", (words,))
        if max(versions) > slot:
            raise Refuted("a look shows what is newer than the slot that it names", (words,))
        for key, (version, value) in enumerate(zip(versions, values, strict=True)):
            if (version == 0) != (value is None):
                raise Refuted("something without a version, or a version of nothing", (words,))
            known, teller = shown.setdefault((cell, str(key), version), (value, words))
            if known != value:
                raise Refuted(f"version {version} of cell {cell} is two things", (teller, words))
        newest.setdefault((cell, slot), versions)
        if newest[cell, slot] != versions:
            raise Refuted(f"cell {cell} shows two states of slot {slot}", (str(newest[cell, slot]), words))
    return count
