"""The API as its callers meet it, and the development issuer that signs them in."""

import http.client
import json
import secrets
from urllib.parse import quote, urlsplit

TIMEOUT = 60


class ServerError(Exception):
    """The service said that something is wrong with it."""


def ask(url, method="GET", body=None, jwt=None):
    """The status and the JSON of an answer. Names under localhost are this machine's (RFC 6761, 6.3)."""
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, "Content-Type": "application/json"}
    if jwt:
        headers["Authorization"] = f"Bearer {jwt}"
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

    def call(self, expected, method, path, body=None, jwt=None):
        """The JSON of an answer that must have this status."""
        status, answer = ask(self.url + path, method, body, jwt)
        if status >= 500:
            raise ServerError(f"{method} {path}: {status}")
        assert status == expected, f"{method} {path}: {status} {answer}"
        return answer

    def register(self, expected, token, hostname, **report):
        body = {"token": token, "hostname": hostname, **report}
        return self.call(expected, "POST", "/api/register-node", body)


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
