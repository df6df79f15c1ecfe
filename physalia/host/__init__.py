"""The host: the nodes of one server on its one journal. Who drives it brings events and a thread for the disk."""

from physalia.host.batch import Batch, Output, Waiting
from physalia.host.host import Host, Hosted, Recording, encode_kept
from physalia.model import Charter

__all__ = ["Batch", "Charter", "Host", "Hosted", "Output", "Recording", "Waiting", "encode_kept"]
