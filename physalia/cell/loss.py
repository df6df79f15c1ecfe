"""Evidence that this node's disk went back in time (design rules R15 and R16).

A promise, a vote and the use of a ballot are durable before anybody hears of them, and memory has whatever is durable.
So a message that tells of one by this very incarnation that memory lacks proves that the disk lost it. What is older
than the promise cannot be told any more: it was forgotten because the promise stands for it. So it is with the votes up
to the floor: the promise stands for these too.
"""

from physalia.cell.acceptor import Acceptor
from physalia.cell.proposer import Proposer
from physalia.model import Ballot, Echo, Message, Prepare, Promise, Proposal, Refusal, Round, Vote


def find_loss(message: Message, acceptor: Acceptor, proposer: Proposer) -> str:
    """What the message tells of this node that the node does not remember, for people; empty if there is nothing."""
    match message:
        case Vote():
            if message.node == acceptor.node and acceptor.voted_under(message.slot) < message.ballot:
                return f"its vote in slot {message.slot} under {message.ballot}"
            return _lost_use(message.ballot, acceptor, proposer)
        case Proposal() | Prepare() | Round() | Echo():
            return _lost_use(message.ballot, acceptor, proposer)
        case Promise():
            if message.node == acceptor.node and acceptor.promised < message.ballot:
                return f"its promise of {message.ballot}"
            for report in message.accepted:
                if message.node == acceptor.node and acceptor.voted_under(report.slot) < report.ballot:
                    return f"its vote in slot {report.slot} under {report.ballot}"
                if loss := _lost_use(report.ballot, acceptor, proposer):
                    return loss
            return _lost_use(message.ballot, acceptor, proposer)
        case Refusal():
            return _lost_use(message.ballot, acceptor, proposer) or _lost_use(message.promised, acceptor, proposer)
        case _:
            return ""


def _lost_use(ballot: Ballot, acceptor: Acceptor, proposer: Proposer) -> str:
    if ballot.node != acceptor.node or ballot <= acceptor.promised or ballot in proposer.used:
        return ""
    return f"its use of {ballot}"
