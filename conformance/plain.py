"""What the store is asked for and answers, as the reference in ``spec/service/transactions.py`` has it, and in words.

A value of the code is a tuple there: its name, then its fields in their order.
"""

from ast import literal_eval
from typing import Any, Final
from urllib.parse import quote, unquote

from physalia.model import transactions

CLASSES: Final = {name: cls for name, cls in vars(transactions).items() if isinstance(cls, type)}
READABLE: Final = "(),'\"<>=!"
LONG_BITS: Final = 1 << 10
"""Longer integers are written in hexadecimal digits: of others Python writes and reads only so many."""


def plain(thing: Any) -> Any:
    """The value as tuples, integers, texts, bytes and booleans."""
    if isinstance(thing, tuple):
        return tuple(map(plain, thing))
    fields = getattr(type(thing), "__match_args__", None)
    return thing if fields is None else (type(thing).__name__, *(plain(getattr(thing, name)) for name in fields))


def built(thing: Any) -> Any:
    """The value that `plain` made a tuple of. Raises `ValueError` if there is none."""
    if not isinstance(thing, tuple):
        return thing
    if thing and isinstance(thing[0], str):
        if thing[0] not in CLASSES:
            raise ValueError(f"nothing is called {thing[0]}")
        try:
            return CLASSES[thing[0]](*map(built, thing[1:]))
        except TypeError as error:
            raise ValueError(str(error)) from None
    return tuple(map(built, thing))


def word(thing: Any) -> str:
    """The plain form without a space, so that it stands for one word; True and 1 are two different ones."""
    if isinstance(thing, tuple):
        return f"({''.join(f'{word(one)},' for one in thing)})"
    is_long = type(thing) is int and thing.bit_length() > LONG_BITS
    return quote(hex(thing) if is_long else repr(thing), safe=READABLE)


def read_word(text: str) -> Any:
    """The plain form that `word` wrote. Raises `ValueError` if it is none."""
    try:
        return literal_eval(unquote(text))
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"{text!r} is no value") from error
