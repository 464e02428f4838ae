"""A machine from its first minute to its last, with the programs as they are built."""

import unittest

from stage import ControlPlane, Machine, Person, eventually

HEARTBEAT = "POST /api/nodes/self/heartbeat"


class AMachine(unittest.TestCase):
    def setUp(self):
        self.control = ControlPlane(self)
        self.admin = Person(self.control, "alice@example.com")
        self.team = self.admin.make_team()
        self.machine = Machine(self)

    def assert_connected(self, done, hostname):
        """The command said that the machine is in, and the team sees the same."""
        self.assertEqual(done.returncode, 0, done.stderr)
        connected, device, ip = done.stdout.splitlines()[:3]
        node = self.admin.nodes(self.team)[hostname]
        self.assertEqual(connected, "✓ Connected")
        self.assertEqual(device, f"Device {hostname}")
        self.assertEqual(ip, f"IP {node['private_ip']}")
        return node

    def heartbeats(self):
        return self.control.answered(HEARTBEAT)

    def assert_heard_once_more(self):
        before = len(self.heartbeats())
        with self.machine.agent():
            heard = eventually(lambda: self.heartbeats()[before:], "a heartbeat")
        self.assertEqual(heard, [200])

    def test_joins_stays_through_a_restart_and_a_revoke_and_ends_when_it_is_removed(self):
        token = self.admin.make_token(self.team, max_uses=1)
        where = ("--control", self.control.url)
        done = self.machine.install_and_join(token["token"], *where, "--hostname", "web-1", "--group", "servers")
        node = self.assert_connected(done, "web-1")
        self.assertEqual((node["status"], node["group"], node["token_id"]), ("online", "servers", token["id"]))
        self.assert_heard_once_more()

        # The agent starts while nobody answers, and is heard once somebody does.
        self.control.stop()
        with self.machine.agent() as agent:
            said = agent.stderr.readline()
            self.assertIn("web-1 sends heartbeats to", said)
            self.control.start()
            eventually(lambda: len(self.heartbeats()) == 2, "a heartbeat after the restart")
            self.assertIsNone(agent.poll())
        self.assertEqual(self.admin.nodes(self.team)["web-1"]["status"], "online")

        # What a token let in stays when the token goes, and nothing else comes in.
        revoked = self.admin.call("DELETE", f"/api/teams/{self.team}/registration-tokens/{token['id']}")
        self.assertEqual(revoked["status"], "revoked")
        self.assert_heard_once_more()
        self.assert_connected(self.machine.run("muster", "up"), "web-1")
        other = Machine(self)
        other.install()
        done = other.run("muster", "up", *where, "--hostname", "web-2", MUSTER_TOKEN=token["token"])
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("token-revoked", done.stderr)

        self.admin.call("DELETE", f"/api/teams/{self.team}/nodes/web-1")
        with self.machine.agent() as agent:
            self.assertEqual(agent.wait(20), 5)
            self.assertIn("was removed from its team", agent.stderr.read())
        self.assertEqual(self.admin.nodes(self.team), {})


if __name__ == "__main__":
    unittest.main()
