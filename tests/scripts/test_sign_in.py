"""scripts/sign_in.py against an issuer on this machine, with curl for a browser."""

import base64
import hashlib
import http.server
import json
import os
import socket
import socketserver
import subprocess
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from loopback import Server

SCRIPT = Path(__file__).resolve().parent.parent.parent / "scripts/sign_in.py"


class Issuer(Server):
    """Gives a code to whoever asks, and an ID token to whoever shows the verifier that the code was asked for with."""

    def __init__(self, refuses=False, **discovery):
        self.discovery = discovery
        self.refuses, self.challenge, self.forged = refuses, None, []
        super().__init__(Endpoint)


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            base = self.server.url
            document = {
                "issuer": base,
                "jwks_uri": f"{base}/jwks",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
            }
            self.answer({**document, **self.server.discovery})
            return
        query = dict(urllib.parse.parse_qsl(url.query))
        self.server.challenge = query["code_challenge"]
        back = query["redirect_uri"]
        # A browser connects ahead, and says nothing.
        listener = urllib.parse.urlsplit(back)
        self.server.idle = socket.create_connection((listener.hostname, listener.port), timeout=5)
        # Somebody else's page calls the port first, and does not know the state.
        for forged in (f"{back}?code=other&state=guess", f"{back}?code=other"):
            try:
                urllib.request.urlopen(forged, timeout=5)
            except urllib.error.HTTPError as error:
                self.server.forged.append(error.code)
        said = {"error": "access_denied"} if self.server.refuses else {"code": "abc"}
        self.send_response(302)
        self.send_header("Location", f"{back}?{urllib.parse.urlencode({**said, 'state': query['state']})}")
        self.end_headers()

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        proved = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.server.challenge
        good = proved and form["code"] == "abc" and form["client_id"] == "muster"
        self.answer(
            {"id_token": "header.claims.signature"} if good else {"error": "invalid_grant"}, 200 if good else 400
        )

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        return unbound.getsockname()[1]


def sign_in(issuer, port, client="muster", callback="http://127.0.0.1:{}/callback"):
    return subprocess.run(
        [SCRIPT, issuer, client, "--callback", callback.format(port)],
        env={**os.environ, "BROWSER": "curl -sSL -o /dev/null %s"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


class Garbled(socketserver.BaseRequestHandler):
    """Answers what is no HTTP."""

    def handle(self):
        self.request.recv(1000)
        self.request.sendall(b"hello\r\n")


class SignIn(unittest.TestCase):
    def issuer(self, **how):
        issuer = Issuer(**how)
        self.addCleanup(issuer.stop)
        return issuer

    def assert_refused(self, done, said):
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        last = done.stderr.splitlines()[-1]
        self.assertTrue(last.startswith("sign-in: "), done.stderr)
        self.assertIn(said, last)

    def test_prints_the_id_token_and_nothing_else(self):
        issuer = self.issuer()
        done = sign_in(issuer.url, free_port())
        self.assertEqual((done.returncode, done.stdout), (0, "header.claims.signature\n"), done.stderr)
        self.assertEqual(issuer.forged, [404, 404], "who does not know the state is not answered")

    def test_tells_why_the_issuer_refused(self):
        self.assert_refused(sign_in(self.issuer(refuses=True).url, free_port()), "access_denied")

    def test_tells_what_the_token_endpoint_says(self):
        self.assert_refused(sign_in(self.issuer().url, free_port(), client="other"), "invalid_grant")

    def test_tells_of_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.assert_refused(sign_in(self.issuer().url, taken.getsockname()[1]), "is not to be had")

    def test_tells_of_an_issuer_that_is_none(self):
        self.assert_refused(sign_in(f"http://127.0.0.1:{free_port()}", free_port()), "gives no JSON")

    def test_tells_of_an_issuer_that_is_another(self):
        issuer = self.issuer(issuer="https://issuer.example.com")
        self.assert_refused(sign_in(issuer.url, free_port()), "is of the issuer https://issuer.example.com")

    def test_tells_of_an_issuer_without_keys(self):
        self.assert_refused(sign_in(self.issuer(jwks_uri=None).url, free_port()), "has no jwks_uri")

    def test_tells_of_an_issuer_that_speaks_no_http(self):
        with socketserver.TCPServer(("127.0.0.1", 0), Garbled) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.shutdown)
            self.assert_refused(sign_in(f"http://127.0.0.1:{server.server_address[1]}", free_port()), "gives no JSON")
            server.shutdown()

    def test_tells_of_what_is_no_url(self):
        for issuer in ("issuer.example.com", "http://issuer.example.com", "https://x:port", "https://", "file:///etc"):
            with self.subTest(issuer):
                self.assert_refused(sign_in(issuer, free_port()), issuer)

    def test_tells_of_a_callback_that_leads_elsewhere(self):
        url = self.issuer().url
        for callback in (
            "https://localhost:1/a",
            "http://example.com:1/a",
            "http://localhost/a",
            "http://localhost:x/a",
        ):
            with self.subTest(callback):
                self.assert_refused(sign_in(url, 0, callback=callback), callback)


if __name__ == "__main__":
    unittest.main()
