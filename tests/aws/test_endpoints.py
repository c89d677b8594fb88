"""What is connected to is looked at where the connection is made, whatever was checked before."""

import datetime
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3.util import connection as urllib3_connection

from elements.aws.errors import AwsUnreachable
from simulator.server import Simulator
from simulator.world import Keys
from tests.aws.pages import listed
from tests.aws.proxy import Proxy
from tests.security.hostile_endpoints import NEVER, PRIVATE

KEYS = Keys("AKIADEMO12345678ABCD", "not-a-real-secret", "123456789012", None)
STANDARD = "ec2.eu-central-1.amazonaws.com"
PUBLIC = "52.94.133.131"


class Ears:
    """Listens on all addresses of this machine, IPv4 and IPv6, and counts who connects."""

    def __init__(self):
        self.heard = []
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                connection, whence = self._socket.accept()
            except OSError:
                return
            self.heard.append(whence)
            connection.close()

    def close(self):
        self._socket.close()


@pytest.fixture
def ears():
    found = Ears()
    yield found
    found.close()


@pytest.fixture
def names(monkeypatch):
    """Let names lead where the test says, one answer after the other, and count who asks."""
    answers, asked, real = {}, [], socket.getaddrinfo

    def look_up(host, port, *rest, **more):
        if host not in answers:
            return real(host, port, *rest, **more)
        asked.append(host)
        given = answers[host]
        return [
            found
            for address in (given.pop(0) if len(given) > 1 else given[0])
            for found in real(address, port, *rest, **more)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    answers["asked"] = asked
    return answers


@pytest.fixture
def dialled(monkeypatch):
    """Connect to nobody, and return where it was tried."""
    tried = []

    def dial(address, *rest, **more):
        tried.append(address)
        raise OSError("nobody is asked in a test")

    monkeypatch.setattr(urllib3_connection, "create_connection", dial)
    return tried


def refusal(ask):
    with pytest.raises(AwsUnreachable) as raised:
        ask()
    return raised.value


def is_name_of_this_machine(host):
    return host.isascii() and not set(host) & set("@#?/\\%")


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_an_endpoint_that_was_stored_all_the_same_is_not_connected_to(open_to, ears, scheme):
    tried = [host for host in (*NEVER, *PRIVATE) if is_name_of_this_machine(host)]
    codes = {}

    for host in tried:
        gateway = open_to(KEYS, f"{scheme}://{host}:{ears.port}", allow_private=False)
        error = refusal(lambda gateway=gateway: gateway.stop_instances(["i-0123456789abcdef0"]))
        codes[host] = (error.code, error.definite)

    print(f"{len(tried)} endpoints connected to")
    assert {host: code for host, code in codes.items() if code != ("EndpointRefused", True)} == {}
    assert ears.heard == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.7",
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "fec0::1",
        "fc00::7",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.7",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "100.64.0.1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
    ],
)
def test_a_name_that_leads_to_a_forbidden_address_is_not_connected_to(open_to, ears, names, dialled, address):
    names["ec2.eu-central-1.example.org"] = [[PUBLIC, address]]
    gateway = open_to(KEYS, f"https://ec2.eu-central-1.example.org:{ears.port}", allow_private=False)

    error = refusal(lambda: listed(gateway.describe_instances()))

    assert error.code == "EndpointRefused"
    assert "leads to" in error.sentence
    assert dialled == []
    assert len(names["asked"]) == 1


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "168.63.129.16"])
def test_no_setting_lets_a_name_lead_to_where_keys_are_handed_out(open_to, ears, names, dialled, address):
    names["ec2.eu-central-1.example.org"] = [[address]]
    gateway = open_to(KEYS, f"https://ec2.eu-central-1.example.org:{ears.port}", allow_private=True)

    error = refusal(lambda: listed(gateway.describe_instances()))

    assert (error.code, dialled) == ("EndpointRefused", [])


def test_the_very_address_that_was_checked_is_used_whatever_the_name_leads_to_next(open_to, names, dialled):
    names["rebound.example.org"] = [[PUBLIC], ["127.0.0.1"]]
    gateway = open_to(KEYS, "https://rebound.example.org", allow_private=False)

    error = refusal(lambda: gateway.stop_instances(["i-0123456789abcdef0"]))

    assert (error.code, dialled, names["asked"]) == (
        "EndpointConnectionError",
        [(PUBLIC, 443)],
        ["rebound.example.org"],
    )
    assert refusal(lambda: gateway.stop_instances(["i-0123456789abcdef0"])).code == "EndpointRefused"
    assert dialled == [(PUBLIC, 443)]


def test_each_address_of_a_name_is_tried_until_one_answers(aws, keys, open_to, names):
    names["several.example.org"] = [["127.0.0.9", "127.0.0.1"]]
    aws.add_instances()

    assert len(listed(open_to(keys, f"http://several.example.org:{aws.port}").describe_instances())) == 1


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_the_sdks_endpoint_setting_is_looked_at_too(open_to, ears, monkeypatch, name, scheme):
    monkeypatch.setenv(name, f"{scheme}://127.0.0.1:{ears.port}")

    assert refusal(lambda: listed(open_to(KEYS, allow_private=False).describe_instances())).code == "EndpointRefused"
    assert ears.heard == []


def test_keys_go_to_https_only_unless_the_setting_allows_it(open_to, dialled):
    error = refusal(lambda: listed(open_to(KEYS, f"http://{STANDARD}", allow_private=False).describe_instances()))

    assert (error.code, dialled) == ("EndpointRefused", [])
    assert "ALLOW_PRIVATE_ENDPOINTS=true" in error.sentence


def test_the_setting_opens_no_way_to_the_services_that_hand_out_keys(open_to, names, dialled):
    names["ec2.eu-central-1.example.org"] = [["169.254.169.254"]]

    error = refusal(lambda: listed(open_to(KEYS, "https://ec2.eu-central-1.example.org").describe_instances()))

    assert (error.code, dialled) == ("EndpointRefused", [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(open_to, ears, status):
    answer = f"HTTP/1.1 {status} Go\r\nLocation: http://127.0.0.1:{ears.port}/\r\nContent-Length: 0\r\n\r\n"

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer.encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        gateway = open_to(KEYS, f"http://127.0.0.1:{listener.getsockname()[1]}")
        refusal(lambda: gateway.stop_instances(["i-0123456789abcdef0"]))

    assert ears.heard == []


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Make an authority of one's own and, signed by it, a certificate for the standard endpoint; return both files."""
    folder, now = tmp_path_factory.mktemp("authority"), datetime.datetime.now(datetime.UTC)

    def certified(name, key, issuer, signer, *extensions):
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension, critical in extensions:
            made = made.add_extension(extension, critical)
        return made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    own_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    own_name, name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("Authority of a test", STANDARD)
    )
    bundle, served = folder / "bundle.pem", folder / "served.pem"
    bundle.write_bytes(
        certified(
            own_name,
            own_key,
            own_name,
            own_key,
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), False),
        )
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    served.write_bytes(
        certified(name, key, own_name, own_key, (x509.SubjectAlternativeName([x509.DNSName(STANDARD)]), False))
        + private
    )
    return bundle, served


@pytest.fixture
def aws_behind_a_proxy(authority, monkeypatch):
    """An EC2 for the standard endpoint that only a proxy knows the way to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[1])
    with Simulator(delay_s=0, tls=context) as simulator, Proxy(simulator.port) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
        simulator.asked_for = proxy.asked_for
        yield simulator
        proxy.shutdown()


def test_through_a_proxy_of_ones_own_network_the_proxy_looks_the_name_up(
    aws_behind_a_proxy, authority, open_to, names, monkeypatch
):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority[0]))
    names[STANDARD] = [["127.0.0.1"]]
    aws_behind_a_proxy.add_instances()

    found = listed(open_to(aws_behind_a_proxy.add_keys(), allow_private=False).describe_instances())

    assert len(found) == 1
    assert set(aws_behind_a_proxy.asked_for) == {f"{STANDARD}:443"}
    assert names["asked"] == []


def test_through_a_proxy_a_certificate_of_nobodys_authority_is_refused(aws_behind_a_proxy, open_to):
    gateway = open_to(aws_behind_a_proxy.add_keys(), allow_private=False)

    error = refusal(lambda: gateway.stop_instances(["i-0123456789abcdef0"]))

    assert "TLS certificate" in error.sentence
    assert aws_behind_a_proxy.journal() == []


def test_a_proxy_is_not_asked_for_forbidden_addresses(aws_behind_a_proxy, open_to):
    for host in ("169.254.169.254", "metadata.google.internal", "127.0.0.1", "localhost"):
        assert refusal(
            lambda host=host: listed(open_to(KEYS, f"https://{host}", allow_private=False).describe_instances())
        )

    assert aws_behind_a_proxy.asked_for == []


def test_past_the_proxy_the_name_is_looked_up_and_checked_here(aws_behind_a_proxy, open_to, names, monkeypatch):
    monkeypatch.setenv("NO_PROXY", STANDARD)
    names[STANDARD] = [["127.0.0.1"]]

    error = refusal(lambda: listed(open_to(KEYS, allow_private=False).describe_instances()))

    assert error.code == "EndpointRefused"
    assert aws_behind_a_proxy.asked_for == []
