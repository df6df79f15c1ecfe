"""The host: the nodes of one server on its one journal. Who drives it brings events and a thread for the disk."""

from physalia.host.batch import Batch, Output, Waiting
from physalia.host.host import Charter, Host

__all__ = ["Batch", "Charter", "Host", "Output", "Waiting"]
