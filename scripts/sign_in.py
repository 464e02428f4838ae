#!/usr/bin/env python3
"""Signs a person in with an OIDC issuer, in the browser, and prints the ID token.

An authorization code with PKCE (RFC 7636) comes back to a port of this machine (RFC 8252). The client is one without a
secret, and has http://localhost:8976/callback among its callback URLs, as the template's own has.
"""

import argparse
import base64
import hashlib
import http.server
import secrets
import sys
import threading
import time
import urllib.parse
import webbrowser

from issuer import LOOPBACK, Refusal, discover, fetch, parts_of

PATIENCE = 300


def challenge_of(verifier):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Callback(http.server.BaseHTTPRequestHandler):
    """The one page that the browser is sent back to."""

    timeout = 10

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        # Another page could call this port too: only who knows the state is answered.
        if url.path != self.server.path or query.get("state") != self.server.state:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"Signed in: go back to the terminal.\n" if "code" in query else b"Not signed in.\n")
        self.server.query = query

    def log_message(self, *_):
        """The URL has the code in it: it goes into no log."""


class Listener(http.server.ThreadingHTTPServer):
    """Browsers open connections ahead and send nothing on them: one must not keep the others waiting."""

    daemon_threads = True
    block_on_close = False
    timeout = 1

    def handle_error(self, *_):
        """A browser that goes away is no error."""


def listen(callback, state):
    try:
        server = Listener(("127.0.0.1", callback.port), Callback)
    except OSError as error:
        raise Refusal(f"port {callback.port} is not to be had ({error.strerror}): end what listens there") from None
    server.path, server.state, server.query = callback.path, state, None
    return server


def code_of(server):
    deadline = time.monotonic() + PATIENCE
    while server.query is None and time.monotonic() < deadline:
        server.handle_request()
    if server.query is None:
        raise Refusal(f"nobody signed in within {PATIENCE} seconds")
    if "code" not in server.query:
        said = server.query.get("error_description") or server.query.get("error", "no reason given")
        raise Refusal(f"the issuer refused: {said}")
    return server.query["code"]


def address_of(callback):
    """Where to listen: a callback URL must lead to this machine."""
    parts = parts_of(callback)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or not parts.port or not parts.path:
        raise Refusal(f"{callback} is not where this can listen: give one like http://localhost:8976/callback")
    return parts


def sign_in(issuer, client, callback):
    address = address_of(callback)
    discovery = discover(issuer)
    try:
        authorize, token = discovery["authorization_endpoint"], discovery["token_endpoint"]
    except KeyError:
        raise Refusal(f"{issuer} offers no sign-in with a code: get an ID token as its own manual says") from None
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    with listen(address, state) as server:
        query = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": callback,
            "scope": "openid email",
            "state": state,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        url = f"{authorize}?{urllib.parse.urlencode(query)}"
        print(f"Sign in in the browser. If none opens, go to\n{url}", file=sys.stderr)
        # Apart, for a browser in the terminal returns only when it is closed.
        threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()
        code = code_of(server)
    form = {
        "grant_type": "authorization_code",
        "client_id": client,
        "code": code,
        "redirect_uri": callback,
        "code_verifier": verifier,
    }
    answer = fetch(token, form)
    if "id_token" not in answer:
        raise Refusal(f"{token} gives no ID token: does the client have the scope openid?")
    return answer["id_token"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("issuer", help="the issuer's URL")
    parser.add_argument("client", help="the client's id")
    parser.add_argument("--callback", default="http://localhost:8976/callback", help="the client's callback URL")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    try:
        print(sign_in(arguments.issuer, arguments.client, arguments.callback))
    except Refusal as error:
        print(f"sign-in: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
