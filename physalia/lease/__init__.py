"""Leases: locks that end by themselves, as data in the store (design rule R13). Nothing that guards data needs them."""

from physalia.lease.clock import NoClock, boottime_ns
from physalia.lease.contender import Contender
from physalia.lease.record import LONGEST_NS, NotALease, Record, read_record

__all__ = ["LONGEST_NS", "Contender", "NoClock", "NotALease", "Record", "boottime_ns", "read_record"]
