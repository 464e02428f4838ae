"""infra/compare_tables.py finds all that a restore brings back to life, and nothing where there is nothing."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

from aws import Aws

ROOT = Path(__file__).resolve().parent.parent.parent
TEAM = "TEAM#team_1"
LANE = f"{TEAM}#LANE#0"


def item(pk, sk, **attributes):
    return {"pk": pk, "sk": sk, **attributes}


def token(name, used, **attributes):
    return item(f"{TEAM}#TOKENS", f"TOKEN#{name}", id=name, gate={"used": used, "quota": 9}, **attributes)


def node(hostname, **attributes):
    return item(LANE, f"NODE#{hostname}", **{"id": f"node_{hostname}", **attributes})


def member(name, membership="mem_1", role="member"):
    return item(TEAM, f"MEMBER#{name}", principal=name, membership=membership, role=role)


def encoded(value):
    if isinstance(value, dict):
        return {"M": {name: encoded(each) for name, each in value.items()}}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


REVOKED = {"revocation": {"at": 5, "by": "alice"}}
DEVICE = {"public_key": "a", "private_ip": "100.64.0.1"}
HELD = item(f"{TEAM}#ADDR#100.64.0.1", "ADDR", node="node_d", hostname="d")
WIDE = item(f"{TEAM}#TOKENS", "TOKEN#wide", id="wide", gate={"count": 80})


def gate(number, **attributes):
    return item(f"{TEAM}#GATES#0", f"GATE#wide#{number}", token="wide", gate=attributes)


class Compare(unittest.TestCase):
    def compare(self, old, new, *tables):
        items = {
            name: [{key: encoded(value) for key, value in each.items()} for each in table]
            for name, table in (("old", old), ("new", new))
        }
        aws = Aws(table={}, items=items)
        self.addCleanup(aws.stop)
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }
        command = [sys.executable, "-B", ROOT / "infra/compare_tables.py", *(tables or ("old", "new"))]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)
        self.assertEqual(aws.calls, [], "it only reads")
        return done

    def found(self, old, new):
        done = self.compare(old, new)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.partition("  ")[2] for line in done.stdout.splitlines() if line.startswith("team_1  ")]

    def test_all_that_comes_back_to_life(self):
        old = [
            *(token("revoked", 1, **REVOKED), token("used", 5), token("open", 1), WIDE),
            *(gate(0, used=3, closed_at=5), gate(1, used=3)),
            *(member("alice", role="member"), member("again", membership="mem_2")),
            *(node("d", **DEVICE), node("key", public_key="b"), node("anew", id="node_other")),
            HELD,
        ]
        new = [
            *(token("revoked", 1), token("used", 3), token("open", 1), WIDE),
            *(gate(0, used=3), gate(1, used=3)),
            *(member("alice", role="owner"), member("again"), member("left")),
            *(node("d", **DEVICE), node("key"), node("anew"), node("removed")),
            {**HELD, "node": "node_e"},
        ]
        self.assertEqual(
            self.found(old, new),
            [
                "address 100.64.0.1: was given to another node; remove the node that has it, and have both register",
                "member again: was removed and added again; remove them, and add them again",
                "member alice: was made member, and is owner; set the role",
                "member left: was removed; remove them",
                "node anew: was removed and registered again; remove it, and have it register",
                "node d: its address 100.64.0.1 is not its own; remove it, have it register",
                "node key: became a device, and has forgotten its key; remove it, and have it register",
                "node removed: was removed; remove it",
                "token revoked: was revoked; revoke it",
                "token used: admits 2 uses that were made; revoke it, and make one for what is left",
                "token wide: 1 of its gates were closed, and are open; revoke it",
            ],
        )

    def test_gates_that_were_put_away_and_are_open(self):
        revoked = {**WIDE, **REVOKED}
        stopped = {**revoked, "gate": {"used": 3, "quota": 9, "closed_at": 5}}
        self.assertEqual(
            self.found([stopped], [revoked, gate(0, used=3)]),
            ["token wide: 1 of its gates were closed, and are open; revoke it"],
        )

    def test_nothing_where_nothing_was_forgotten(self):
        same = [token("used", 3), WIDE, gate(0, used=3), member("alice"), node("d", **DEVICE), HELD]
        done = self.compare([*same, node("since"), node("too")], same)
        self.assertEqual(done.stdout, "0 things to mend in new.\nMade since, and not there: node 2\n", done.stderr)

    def test_a_table_with_itself(self):
        done = self.compare([], [], "old", "old")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
