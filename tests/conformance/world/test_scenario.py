"""Scenarios are read back as they were written, and what cannot be read is named with its line."""

from random import Random

import pytest
from attrs import evolve

from conformance.lockstep.driver import Driver
from conformance.lockstep.moves import Moves
from conformance.wording import UnreadableWords, command_words, message_words, read_command, read_message
from conformance.world.orders import Create, LoseDisk
from conformance.world.scenario import (
    Calm,
    FailFlush,
    FillDisk,
    FreeDisk,
    Give,
    Given,
    GoBack,
    Happening,
    Haunt,
    Scenario,
    happening_words,
    read_scenario,
)
from conformance.world.setup import Setup
from conformance.world.world import World
from physalia.model import (
    Ask,
    Ballot,
    Change,
    Command,
    Consult,
    Decision,
    Echo,
    Erase,
    Leave,
    Message,
    NoOp,
    Peek,
    Prepare,
    Promise,
    Proposal,
    Query,
    Read,
    Refusal,
    Report,
    RequestId,
    Round,
    Serve,
    Vote,
    Write,
)

ONE = "world nodes 1 members 1 alpha 1 rates 1 clocks 0 slots 9"
B, C = Ballot(1, 2), Ballot(12, 34)
COMMANDS: list[Command] = [
    NoOp(),
    Read(RequestId("x", 1)),
    Write(RequestId("strange, (name) #1 %", 7), 3, "a b", "é,"),
    Change(RequestId("x", 2), 0, frozenset({2, 10, 3})),
]
MESSAGES: list[Message] = [
    Prepare(B, 3),
    Promise(B, 1, (), 0),
    Promise(C, 1, tuple(Report(slot, B, value) for slot, value in enumerate(COMMANDS, start=1)), 4),
    *(Proposal(B, 1, value) for value in COMMANDS),
    Vote(B, 1, 3),
    *(Decision(2, value) for value in COMMANDS),
    Ask(0),
    Refusal(B, C),
    Round(B, 5),
    Echo(B, 5, 3),
]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_commands_are_read_back(command: Command) -> None:
    word = command_words(command)
    assert " " not in word
    assert read_command(word) == command


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_messages_are_read_back(message: Message) -> None:
    assert read_message(message_words(message).split()) == message


def test_a_vote_reads_as_people_say_it() -> None:
    assert message_words(Vote(Ballot(2, 1), 1, 3)) == "vote 2.1 slot 1 node 3"


@pytest.mark.parametrize("happening", [
    Haunt(1, 2, Ask(0), "cell"), Haunt(1, 2, Ask(0), "life"), Haunt(2, 1, Vote(B, 1, 2), "incarnation"),
    FailFlush(2, 1), FillDisk(3), FreeDisk(3), GoBack(3, 2),
], ids=str)  # fmt: skip
def test_what_disks_and_forerunners_do_is_read_back(happening: Happening) -> None:
    scenario = Scenario(Setup.of(3, 3, 3), (happening,))
    assert read_scenario(scenario.text()) == scenario


@pytest.mark.parametrize("event", [
    Query(RequestId("strange, (name) #1 %", 7)), Peek(RequestId("x", 1), 3), Consult(B, 2), Serve(C, 1),
], ids=str)  # fmt: skip
def test_what_readers_do_is_read_back(event: Given) -> None:
    scenario = Scenario(Setup.of(3, 3, 3), (Give(2, event),))
    assert read_scenario(scenario.text()) == scenario


@pytest.mark.parametrize("line", ["node 1 query x", "node 1 query x#y", "node 1 peek x#1 token"])
def test_no_reader_is_named(line: str) -> None:
    with pytest.raises(UnreadableWords, match="line 2"):
        read_scenario(f"{ONE}\n{line}\n")


@pytest.mark.parametrize("seed", range(5))
def test_whole_runs_are_read_back(seed: int) -> None:
    setup = Setup.of(4, 3, 2, ("1", "1/3", "3/2", "1"))
    world = World(setup)
    happened = []
    for happening in Driver(Moves(world, 24), Random(seed)).happenings(150):
        world.apply(happening)
        happened.append(happening)
    scenario = Scenario(setup, (*happened, Calm()))
    assert read_scenario(scenario.text()) == scenario
    assert {happening_words(happening).split()[0] for happening in happened} >= {"node", "deliver", "flush"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a scenario starts with"),
        ("node 1 tick after 1 ms", "line 1"),
        (
            "world nodes 1 members 1 alpha 1 rates 1 clocks 0 slots 9\n\nexplode 3",
            "line 3, 'explode 3': this is no event",
        ),
        (f"{ONE}\ncrash x keep 1", "line 2"),
        (f"{ONE}\nnode 1 submit noop", "nobody asks for a no-op"),
        (
            "world nodes 1 members 1 alpha 1 rates 1 clocks 0 slots 9\ndeliver 1 -> 1 vote b1 slot 1 node 1",
            "'b1' is no ballot",
        ),
    ],
)
def test_what_cannot_be_read_is_named(text: str, sentence: str) -> None:
    with pytest.raises(UnreadableWords, match=sentence):
        read_scenario(text)


def test_coming_and_going_is_read_back() -> None:
    setup = evolve(Setup.of(4, 3, 1), newcomers=frozenset({4}))
    scenario = Scenario(setup, (Create(4), Give(3, Leave()), Give(3, Erase(2)), LoseDisk(2)))
    assert scenario.text().splitlines()[0].endswith(" slots 96 newcomers 4")
    assert scenario.text().splitlines()[1:] == ["create 4", "node 3 leave", "node 3 erase slot 2", "lose disk 2"]
    assert read_scenario(scenario.text()) == scenario
    for line in ("create", "lose 4", "lose disk"):
        with pytest.raises(UnreadableWords, match="this is no event"):
            read_scenario(f"{ONE}\n{line}")
