"""A small OpenID Connect provider on loopback: discovery, keys, the code flow with PKCE, and somebody signed in."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

BEGIN = "/login/oidc/"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """Knows one person, whose claims a test sets; `broken` takes endpoints away, `token` changes what is signed."""

    def __init__(self):
        self.claims = {"sub": "248289761001", "preferred_username": "maria.k", "given_name": "Maria", "groups": ["noc"]}
        self.userinfo, self.token, self.broken = None, {}, set()
        self.sign = lambda claims: jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "of-the-tests"})
        self.codes, self.asked = {}, []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()

    def approve(self, address):
        """Do what the browser of the person does at the provider; return the address it is sent back to."""
        asked = dict(parse_qsl(urlsplit(address).query))
        self.asked.append(asked)
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def answer(self, path, form):
        if path == "/.well-known/openid-configuration":
            ends = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token", "userinfo")}
            return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **ends}
        if path == "/jwks":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            return {"keys": [{**public, "kid": "of-the-tests", "alg": "RS256", "use": "sig"}]}
        if path == "/userinfo":
            return self.userinfo or self.claims
        asked = self.codes.pop(form.get("code"), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        known = (form.get("client_id"), form.get("client_secret")) == ("ec2mon", "secret-of-the-client")
        if path != "/token" or not asked or not known or asked["code_challenge"] != proof.decode():
            return None
        now = int(time.time())
        times = {"iat": now, "exp": now + 60}
        claims = {"iss": self.url, "aud": "ec2mon", "nonce": asked["nonce"], **times, **self.claims, **self.token}
        return {"access_token": "of-the-tests", "token_type": "Bearer", "id_token": self.sign(claims)}

    def _handler(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                size = int(self.headers.get("Content-Length", 0))
                path = urlsplit(self.path).path
                found = provider.answer(path, dict(parse_qsl(self.rfile.read(size).decode())))
                fine = found is not None and path not in provider.broken
                body = json.dumps(found if fine else {"error": "invalid_request"}).encode()
                self.send_response(200 if fine else 400)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *args):
                pass

        return Handler


def sign_in(provider, client=None, *, begin=BEGIN, page="", change=None):
    """Go to the provider and back; `change` gets what comes back, as a dictionary, to tamper with it."""
    client = client or Client()
    back = urlsplit(provider.approve(client.get(begin, {"next": page}).headers["Location"]))
    query = dict(parse_qsl(back.query))
    if change:
        change(query)
    client.answer = client.get(f"{back.path}?{urlencode(query)}")
    return client
