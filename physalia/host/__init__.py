"""The host: the nodes of one server on its one journal. Who drives it brings events and a thread for the disk."""

from physalia.host.batch import Batch, Gone, Output, Safe, Waiting
from physalia.host.host import Host, Hosted, Recording, encode_kept
from physalia.model import Charter

__all__ = ["Batch", "Charter", "Gone", "Host", "Hosted", "Output", "Recording", "Safe", "Waiting", "encode_kept"]
