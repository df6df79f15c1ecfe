"""What a step is called on both sides: the action's name, and its arguments where TLC's dump names them.

The jar that is shipped labels an edge with the name alone; one of later years adds the arguments. A label belongs to
the mirror if it has an action of that name that takes so many arguments of such types.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_type_hints

from conformance.tlc.decode import Decoder, decoder_of
from conformance.tlc.dump import DumpError, Label
from conformance.tlc.values import show as show_tla
from spec.differences import call
from spec.machine import Args, Machine


class Call(NamedTuple):
    """An action by TLC's name, with its arguments; None where they are not known."""

    name: str
    args: Args | None = None

    def __str__(self) -> str:
        return self.name if self.args is None else call(self.name, self.args)


def calls_of(machine: Machine[Any], labels: Sequence[Label]) -> tuple[list[Call], list[str]]:
    """The call that each label of a dump stands for, and the labels, as they stand there, that the mirror cannot mean.

    DumpError where an action is labelled with its arguments here and without them there: nothing could be compared.
    """
    decoders = {name.capitalize(): _decoders(machine, name) for name in machine.action_names()}
    calls, unknown = [], []
    for label in labels:
        args = _args(label, decoders)
        if args is None and (label.arguments is not None or label.name not in decoders):
            unknown.append(_shown(label))
            calls.append(Call(_shown(label)))
        else:
            calls.append(Call(label.name, args))
    for name in {one.name for one in calls if one.args is not None}:
        if Call(name) in calls:
            raise DumpError(f"steps {name} are labelled with their arguments in one place and without in another.")
    return calls, unknown


def _decoders(machine: Machine[Any], name: str) -> list[Decoder]:
    """What reads the arguments of an action, by the types that it declares."""
    method = getattr(type(machine), name)
    hints = get_type_hints(method, include_extras=True)
    return [decoder_of(hints[parameter]) for parameter in method.domains]


def _args(label: Label, decoders: Mapping[str, list[Decoder]]) -> Args | None:
    """The arguments of a label for the mirror; None if there are none, or if they are not those of its action."""
    if label.arguments is None or len(label.arguments) != len(decoders.get(label.name, ())):
        return None
    try:
        pairs = zip(decoders[label.name], label.arguments, strict=True)
        return tuple(decode(argument) for decode, argument in pairs)
    except ValueError:
        return None


def _shown(label: Label) -> str:
    return label.name if label.arguments is None else f"{label.name}({', '.join(map(show_tla, label.arguments))})"
