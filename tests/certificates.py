"""A certificate authority for tests, and certificates of a server on this machine."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Certificate:
    """A self-signed certificate for these hosts, with its key; its own authority, too."""

    def __init__(self, folder: Path, *hosts: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test")])
        moment = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - timedelta(days=1))
            .not_valid_after(moment + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([_name(host) for host in hosts]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .sign(key, SHA256())
        )
        self.path = folder / "certificate.pem"
        pem = made.public_bytes(Encoding.PEM)
        self.path.write_bytes(
            pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self.text = pem.decode()

    def server(self) -> ssl.SSLContext:
        """For a server that has it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.path)
        return context

    def client(self) -> ssl.SSLContext:
        """For a client that trusts it, and no other."""
        return ssl.create_default_context(cadata=self.text)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
