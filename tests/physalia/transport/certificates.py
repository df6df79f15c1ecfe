"""Certificates for tests, made by the program `openssl`."""

import shutil
import subprocess
from pathlib import Path

import pytest

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the program openssl, which makes certificates, is missing")


def _openssl(folder: Path, *words: str) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *words], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> None:
    """Somebody who signs: `name.pem` and `name.key`."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _openssl(folder, "req", "-x509", *curve, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    (folder / f"{name}.key").chmod(0o600)


def certificate(folder: Path, name: str, signed_by: str, address: str = "127.0.0.1") -> str:
    """A certificate for an address, `name.pem` and `name.key`; the table that names it in a file of keys."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _openssl(folder, "req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (folder / f"{name}.ext").write_text(f"subjectAltName=IP:{address}\n", encoding="ascii")
    by = ("-CA", f"{signed_by}.pem", "-CAkey", f"{signed_by}.key", "-CAcreateserial")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *by, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    (folder / f"{name}.key").chmod(0o600)
    return f'certificate = "{name}.pem"\nprivate_key = "{name}.key"\nauthorities = "{signed_by}.pem"\n'
