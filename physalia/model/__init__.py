"""Plain values: everything that is said, kept, asked and answered. No behaviour."""

from physalia.model.announcements import Action, ActionName, Announcement, Step, Stutter, StutterKind
from physalia.model.ballots import NO_BALLOT, Ballot
from physalia.model.commands import Asked, Change, Command, NoOp, Read, Write
from physalia.model.effects import Answer, Effect, Flush, Reason, Reject, Send, Store
from physalia.model.events import Campaign, Decide, Event, Internal, Learn, Propose, Receive, Submit, Tick
from physalia.model.ids import CellId, Life, NodeId, RequestId, Slot
from physalia.model.lives import Entry, Envelope, Origin
from physalia.model.messages import Ask, Decision, Message, Prepare, Promise, Proposal, Refusal, Report, Vote
from physalia.model.records import Accepted, DurableRecord, Known, Promised, Stopped, UsedBallot
from physalia.model.traffic import Carry, Decline, DeclineReason, Ping, Pong, Reply, Request, Traffic
from physalia.model.values import Jury, Record, Verdict, Volume

__all__ = [
    "NO_BALLOT",
    "Accepted",
    "Action",
    "ActionName",
    "Announcement",
    "Answer",
    "Ask",
    "Asked",
    "Ballot",
    "Campaign",
    "Carry",
    "CellId",
    "Change",
    "Command",
    "Decide",
    "Decision",
    "Decline",
    "DeclineReason",
    "DurableRecord",
    "Effect",
    "Entry",
    "Envelope",
    "Event",
    "Flush",
    "Internal",
    "Jury",
    "Known",
    "Learn",
    "Life",
    "Message",
    "NoOp",
    "NodeId",
    "Origin",
    "Ping",
    "Pong",
    "Prepare",
    "Promise",
    "Promised",
    "Proposal",
    "Propose",
    "Read",
    "Reason",
    "Receive",
    "Record",
    "Refusal",
    "Reject",
    "Reply",
    "Report",
    "Request",
    "RequestId",
    "Send",
    "Slot",
    "Step",
    "Stopped",
    "Store",
    "Stutter",
    "StutterKind",
    "Submit",
    "Tick",
    "Traffic",
    "UsedBallot",
    "Verdict",
    "Volume",
    "Vote",
    "Write",
]
