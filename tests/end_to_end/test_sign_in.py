"""People sign in with a real browser."""

import base64
import json
import socket
import sys
import unittest

from browser import Browser, Opener
from stage import PATIENCE, ROOT, ControlPlane, Machine


def free_port():
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        return unbound.getsockname()[1]


def claims_of(jwt):
    payload = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class SignIn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser(cls)

    def setUp(self):
        self.control = ControlPlane(self)
        self.machine, self.opener = Machine(self), Opener(self)

    def ended(self, process):
        said, complained = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, complained)
        return said

    def test_the_script_prints_the_id_token_of_who_signed_in(self):
        callback = f"http://localhost:{free_port()}/callback"
        script = (sys.executable, ROOT / "scripts/sign_in.py", self.control.url, "muster", "--callback", callback)
        process = self.machine.start(*script, BROWSER=str(self.opener.program))
        page = self.browser.open(self, self.opener.url(process))
        self.assertIn("anyone may sign in as anyone", page.content())
        page.get_by_label("E-mail").fill("Bob@Example.com")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{callback}?**")
        claims = claims_of(self.ended(process).strip())
        self.assertEqual((claims["email"], claims["iss"]), ("bob@example.com", self.control.url))


if __name__ == "__main__":
    unittest.main()
