"""The certificates of the simulated databases: an authority of each sandbox's own, and what it has signed.

AWS has one for each region, whose certificates anyone can fetch. Knows nothing of databases.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID = datetime.timedelta(days=365)
NOW_OR_BEFORE = datetime.timedelta(days=1)  # the clock of whoever checks it


def authority(folder: Path) -> Path:
    """The authority's certificate, made on first use, with its key beside it."""
    certificate = folder / "rds-ca.pem"
    if not certificate.exists():
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Amazon RDS sandbox Root CA")
        signed = _about(name, name, key.public_key())
        signed = signed.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        _keep(folder / "rds-ca.key", key)
        _whole(certificate, signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return certificate


def issue(authority: Path, host: str, folder: Path, address: str = "") -> tuple[Path, Path]:
    """A certificate of `host` and its key, as two files in `folder`. It is also valid for this IP address.

    Node.js expects the name localhost of a server that was reached by its address through a socket of one's own.
    """
    its_key = serialization.load_pem_private_key(authority.with_suffix(".key").read_bytes(), None)
    assert isinstance(its_key, ec.EllipticCurvePrivateKey)  # noqa: S101  # tells mypy
    its_name = x509.load_pem_x509_certificate(authority.read_bytes()).subject
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name has 64 characters at most, the other name any number.
    signed = _about(_name(host[:64]), its_name, key.public_key())
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if address:
        names += [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(address))]
    signed = signed.add_extension(x509.SubjectAlternativeName(names), critical=False)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificate, secret = folder / "server.pem", folder / "server.key"
    _keep(secret, key)
    _whole(certificate, signed.sign(its_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return certificate, secret


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _about(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now - NOW_OR_BEFORE, now + VALID)


def _keep(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    form = serialization.PrivateFormat.PKCS8
    content = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def _whole(path: Path, content: bytes) -> None:
    """Replace the file atomically, because other processes may read it."""
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").replace(path)
