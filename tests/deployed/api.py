"""The API as its callers meet it, and the development issuer that signs them in."""

import http.client
import json
import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import quote, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TIMEOUT = 60


class ServerError(Exception):
    """The service said that something is wrong with it."""


def ask(url, method="GET", body=None, jwt=None, proof=None):
    """The status and the JSON of an answer. Names under localhost are this machine's (RFC 6761, 6.3)."""
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, "Content-Type": "application/json"}
    if jwt:
        headers["Authorization"] = f"Bearer {jwt}"
    if proof:
        headers["DPoP"] = proof
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=TIMEOUT)
    try:
        connection.request(method, url.removeprefix(f"http://{parts.netloc}"), body and json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


class Api:
    """The API at a base URL, and the issuer that it trusts."""

    def __init__(self, url, issuer):
        self.url, self.issuer = url, issuer

    def sign_in(self):
        """Somebody who has never been here."""
        email = f"somebody.{secrets.token_hex(6)}@example.com"
        _, answer = ask(f"{self.issuer}/dev/token?email={quote(email)}")
        return Person(self, email, answer["id_token"])

    def call(self, expected, method, path, body=None, jwt=None, proof=None):
        """The JSON of an answer that must have this status."""
        status, answer = ask(self.url + path, method, body, jwt, proof)
        if status >= 500:
            raise ServerError(f"{method} {path}: {status}")
        assert status == expected, f"{method} {path}: {status} {answer}"
        return answer

    def register(self, expected, token, hostname, **report):
        body = {"token": token, "hostname": hostname, **report}
        return self.call(expected, "POST", "/api/register-node", body)


class Device:
    """A device of a team, with a key of its own."""

    def __init__(self, team, hostname):
        self.api, self.hostname = team.api, hostname
        self.team_id, self.key = team.id, Ed25519PrivateKey.generate()
        token = team.token()["token"]
        body = {"token": token, "hostname": hostname}
        path = "/api/register-node"
        self.api.call(201, "POST", path, body, proof=self.proof("POST", path, token))

    def speaks(self, expected, method, rest="", body=None):
        """A call about its own node."""
        path = f"/api/nodes/self{rest}"
        query = urlencode({"team_id": self.team_id, "hostname": self.hostname})
        return self.api.call(expected, method, f"{path}?{query}", body, proof=self.proof(method, path))

    def proof(self, method, path, token=None):
        """A DPoP proof (RFC 9449)."""

        def part(data):
            return urlsafe_b64encode(data).rstrip(b"=").decode()

        key = {"kty": "OKP", "crv": "Ed25519", "x": part(self.key.public_key().public_bytes_raw())}
        header = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": key}
        claims = {"jti": secrets.token_hex(16), "htm": method, "htu": self.api.url + path, "iat": int(time.time())}
        if token:
            claims["ath"] = part(sha256(token.encode()).digest())
        signed = ".".join(part(json.dumps(each).encode()) for each in (header, claims))
        return f"{signed}.{part(self.key.sign(signed.encode()))}"


class Person:
    def __init__(self, api, email, jwt):
        self.api, self.email, self.jwt = api, email, jwt

    def call(self, expected, method, path, body=None):
        return self.api.call(expected, method, path, body, self.jwt)

    def makes_a_team(self):
        return Team(self, self.call(201, "POST", "/api/teams", {"name": "Example"})["id"])


class Team:
    """A team, as one of its members sees it."""

    def __init__(self, who, id):
        self.who, self.api, self.id = who, who.api, id

    def call(self, expected, method, rest, body=None):
        return self.who.call(expected, method, f"/api/teams/{self.id}{rest}", body)

    def welcomes(self, role):
        """Adds somebody new; answers with the team as they see it."""
        person = self.api.sign_in()
        self.call(201, "POST", "/members", {"email": person.email, "role": role})
        return Team(person, self.id)

    def token(self, max_uses=None):
        return self.call(201, "POST", "/registration-tokens", {"name": "sample", "max_uses": max_uses})

    def removes(self, other):
        return self.call(202, "DELETE", f"/members/{quote(other.who.email)}")

    def nodes(self):
        return {node["hostname"] for node in self.call(200, "GET", "/nodes")["nodes"]}
