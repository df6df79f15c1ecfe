"""Why some premises of the proof can be left out: for each mutant that nothing refuses, the reason in words.

A test holds this list to the mutants: each reason belongs to a mutant that is redundant or safe, and each such mutant
has one. None of these rules is useless: most of them are about progress, about refinement, or about what a node can do
at all, and agreement does not miss them.
"""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "ballots: invariant left_covers_votes": "no other sentence reads a vote's ballot off `left`",
    "ballots: invariant left_is_a_ballot": "it says that the relation is a number, which only the tie relies on",
    "ballots: invariant empty_prefix": "no step changes what the empty prefix leads to, and no other sentence asks",
    "ballots: guard leave.higher": "leaving what was left before changes nothing: it is a stutter",
    "ballots: guard vote.proposed": "without a proposal the step adds no vote, and only leaves lower ballots",
    "ballots: guard vote.fresh": "voting again for the same changes nothing: it is a stutter",
    "disk: guard vote.alive": "who lost the disk has no vote on it to send: `durable` fails",
    "disk: guard promise.once": "what a second reply reports is added to the first, so nothing is unsaid; but it is no"
    " step of the code, which could not say the same after a crash",
    "disk: guard write_vote.proposed": "without a proposal the step writes no vote, and only promises",
    "disk: guard crash.alive": "what is lost cannot be kept: a crash of a lost node changes nothing",
    "disk: guard crash.promise_written": "a disk that remembers a higher promise than was made only makes its node shy",
    "reads: invariant first_is_one": "that some first majority and ballot exist, and any of them voted, is enough",
    "reads: guard ask.highest_known": "a decision that the proposer knows, above what it proposed, is one of another"
    " ballot: under a lower one a vote is reported for the next slot, under a higher one an echo fails, and the read"
    " is not answered",
    "reads: guard echo.promised": "who promised less and echoes, has not answered for the ballot, as `serve` asks",
    "reads: guard serve.applied": "the claim is about which slots the answer must cover; applying them is how it does",
    "truncation: guard write_vote.above_floor": "a late vote is harmless at or below a floor as above it: it may be for"
    " another value, which no majority has under one ballot (R4 asks so that the entry is needed no more)",
    "truncation: guard truncate.alive": "the floor of a node without a disk is never reported",
    "leaving: invariant floor_durable": "`truncate` asks for the snapshot itself, and what is held is kept step by"
    " step; it stands there because R10 says so",
    "leaving: axiom nobody_removed_at_first": "if somebody were, it would be no member, and could hold nothing",
    "leaving: guard vote.alive": "a vote that an erased node wrote before and sends late is still a vote",
    "leaving: guard write_promise.alive": "a promise of an erased node keeps it from voting, which it does not do",
    "leaving: guard crash.alive": "an erased node has nothing that a crash could take",
    "leaving: guard truncate.alive": "an erased node holds nothing that is counted on",
    "leaving: guard store.alive": "what an erased node stores is not counted on",
    "volume: invariant one_newest": "whoever changes the record makes its own the only newest; nobody else asks",
    "volume: guard hold.follows": "a primary holds what it sent, and nobody asks what it says of itself",
    "volume: guard shrink.member": "who knows an epoch that has two copies is one of them",
    "volume: guard mirror.alone": "a primary with a replica that holds everything writes the record that there is",
}
