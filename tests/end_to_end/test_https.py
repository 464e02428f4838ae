"""The command over HTTPS: whom it trusts with a token."""

import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import time
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stage import Machine

TOKEN = "enrt_aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypsaijceomqqx7g"
NODE = {
    "id": "node_mccib7jzhmy6a",
    "team_id": "team_3jmnu3fkqormu",
    "hostname": "web-1",
    "private_ip": "100.72.18.5",
    "kind": "server",
    "group": "default",
    "tags": [],
    "status": "online",
    "last_seen_at": "2030-01-31T12:01:00Z",
}


def certificate(subject, key, issuer, issuer_key, *extensions):
    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class AnswersWithANode(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked.append(self.path)
        body = json.dumps(NODE).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class OverHttps(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)
        self.machine.install()
        authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.authority = self.machine.root / "authority.pem"
        is_authority = x509.BasicConstraints(ca=True, path_length=0)
        self.authority.write_bytes(certificate("authority", authority, "authority", authority, is_authority))
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        chain = self.machine.root / "own.pem"
        chain.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate("control", own, "authority", authority, here)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AnswersWithANode)
        self.server.asked = []
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None
        self.addCleanup(self.server.server_close)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(self.server.shutdown)

    def up(self, **environment):
        control = f"https://127.0.0.1:{self.server.server_port}"
        return self.machine.run("muster", "up", "--control", control, "--token", TOKEN, **environment)

    def test_a_certificate_of_an_authority_that_the_machine_trusts_is_one(self):
        done = self.up(SSL_CERT_FILE=str(self.authority))
        self.assertEqual((done.returncode, self.server.asked), (0, ["/api/register-node"]), done.stderr)

    def test_any_other_is_told_at_once_and_the_token_is_not_sent(self):
        began = time.monotonic()
        done = self.up()
        self.assertEqual((done.returncode, self.server.asked), (4, []), done.stderr)
        self.assertRegex(done.stderr, "(?i)certificate|unknown ?issuer")
        self.assertLess(time.monotonic() - began, 30, "it is not tried again and again")


if __name__ == "__main__":
    unittest.main()
