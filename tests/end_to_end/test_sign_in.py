"""People sign in with a real browser: for scripts/sign_in.py and for `muster login`."""

import base64
import json
import re
import socket
import sys
import unittest

from browser import Browser, Opener
from stage import PATIENCE, ROOT, ControlPlane, Machine, Person


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
        self.machine.install()

    def team(self):
        self.alice = Person(self.control, "alice@example.com")
        return self.alice.make_team()

    def sign_in(self, page):
        page.get_by_label("E-mail").fill("alice@example.com")
        page.get_by_role("button", name="Sign in").click()

    def login(self, *options):
        command = ("muster", "login", "--control", self.control.url, "--hostname", "laptop", *options)
        return self.machine.start(*command, BROWSER=str(self.opener.program))

    def ended(self, process):
        said, complained = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, complained)
        return said

    def assert_device_of_alice(self, team, said):
        node = self.alice.nodes(team)["laptop"]
        self.assertIn("✓ Connected\nDevice laptop\n", said)
        self.assertIn(f"IP {node['private_ip']}\n", said)
        self.assertEqual(node["status"], "online")
        tokens = self.alice.call("GET", f"/api/teams/{team}/registration-tokens")["tokens"]
        [token] = [token for token in tokens if token["id"] == node["token_id"]]
        self.assertEqual((token["origin"], token["created_by"]["email"]), ("self-enroll", "alice@example.com"))

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

    def test_a_person_signs_in_and_their_device_is_in(self):
        team = self.team()
        process = self.login()
        page = self.browser.open(self, self.opener.url(process))
        self.sign_in(page)
        page.wait_for_url("http://localhost:8976/callback?**")
        self.assert_device_of_alice(team, self.ended(process))
        # From then on its own key speaks for it.
        done = self.machine.run("muster", "status", "--json")
        self.assertEqual(json.loads(done.stdout)["hostname"], "laptop", done.stderr)

        # Who is signed in stays so when their token ends, and when the control plane was started anew.
        self.control.stop()
        self.control.start()
        session = self.machine.root / "state/session.json"
        session.write_text(json.dumps({**json.loads(session.read_text()), "expires_at": 0}))
        done = self.machine.run("muster", "team", "list")
        self.assertIn(team, done.stdout, done.stderr)
        self.assertNotEqual(json.loads(session.read_text())["expires_at"], 0)

    def test_a_person_signs_in_elsewhere_with_the_code_that_the_device_shows(self):
        team = self.team()
        process = self.login("--device")
        self.assertIn("You sign in at", process.stderr.readline())
        said = process.stderr.readline()
        shown = re.fullmatch(r"Go to (\S+) on any device, and enter the code (\S+)\n", said)
        self.assertTrue(shown, said)
        page = self.browser.open(self, shown[1])
        page.get_by_label("Code").fill(shown[2])
        self.sign_in(page)
        page.get_by_text("is signed in as").wait_for()
        self.assert_device_of_alice(team, self.ended(process))


if __name__ == "__main__":
    unittest.main()
