"""A gateway onto the simulated EC2, and what it recorded."""

import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from elements.aws import clients
from elements.aws.session import Credentials, Patience, Target, open_gateway

# The ambient settings of a machine that must never reach AWS, or that a test sets itself.
AMBIENT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in AMBIENT:
        monkeypatch.delenv(name, raising=False)
    clients.forget()
    yield
    clients.forget()


@pytest.fixture
def records():
    return []


@pytest.fixture
def keys(aws):
    return aws.add_keys()


@pytest.fixture
def open_to(records):
    """Open a gateway with the keys of the simulated AWS; without an URL it finds its own endpoint."""

    def opened(keys, url="", *, region="eu-central-1", sts_url=None, allow_private=True, **patience):
        return open_gateway(
            Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token or ""),
            Target(region, url, url if sts_url is None else sts_url, allow_private),
            record=records.append,
            caller="test",
            patience=Patience(**patience),
        )

    return opened


@pytest.fixture
def gateway(aws, keys, open_to):
    return open_to(keys, aws.url)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Make a certificate for 127.0.0.1 that nobody knows; return its PEM file with the key in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.fixture
def tls_aws(certificate):
    """A simulated EC2 that speaks https with a certificate nobody knows."""
    from simulator.server import Simulator

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Simulator(delay_s=0, tls=context) as simulator:
        yield simulator
