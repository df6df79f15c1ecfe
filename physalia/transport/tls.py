"""Mutual TLS around connections, where a file of keys asks for it: what is said cannot be read on the way.

Who speaks is proved by the keys all the same. Both sides show a certificate that an authority of the other's file has
signed, and a server's must be for the address at which it was dialled.
"""

import os
import ssl
from pathlib import Path

from attrs import frozen


@frozen
class Tls:
    """The two ways to use the certificate of one party. Made by `read_tls`."""

    accepting: ssl.SSLContext
    dialing: ssl.SSLContext


def read_tls(certificate: Path, private_key: Path, authorities: Path) -> Tls:
    """TLS 1.3 with these files in PEM. Raises `ValueError` with a phrase, without anything of a key in it.

    A private key must not need a passphrase: nobody could type it.
    """
    return Tls(*(_context(purpose, certificate, private_key, authorities) for purpose in _PURPOSES))


_PURPOSES = (ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH)


def _context(purpose: ssl.Purpose, certificate: Path, private_key: Path, authorities: Path) -> ssl.SSLContext:
    for path in (certificate, private_key, authorities):
        if not os.access(path, os.R_OK):
            raise ValueError(f"tls: {path} cannot be read")
    try:
        context = ssl.create_default_context(purpose, cafile=str(authorities))
    except (ssl.SSLError, OSError):
        raise ValueError(f"tls: {authorities} has no certificates of authorities") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(certificate, private_key, password=_no_passphrase)
    except (ssl.SSLError, OSError, ValueError):
        raise ValueError(f"tls: {certificate} is no certificate, or {private_key} is not its key") from None
    return context


def _no_passphrase() -> str:
    raise ValueError("a private key with a passphrase cannot be used")
