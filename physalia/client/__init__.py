"""Clients of a colony, asynchronous and blocking."""

from physalia.client.asynchronous import AsyncClient
from physalia.client.blocking import Client
from physalia.client.errors import ClientError, Malformed, OutcomeUnknown, Overloaded, Unavailable

__all__ = ["AsyncClient", "Client", "ClientError", "Malformed", "OutcomeUnknown", "Overloaded", "Unavailable"]
