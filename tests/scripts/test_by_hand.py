"""infra/by_hand.py tells what the template says, and nothing wider."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WHERE = ("--account", "123456789012", "--region", "eu-central-1")


def by_hand(*arguments):
    command = [sys.executable, ROOT / "infra/by_hand.py", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


class ByHand(unittest.TestCase):
    def test_every_function_but_the_cascade_has_a_route(self):
        routes = [line.split("\t") for line in by_hand("routes").stdout.splitlines()]
        crates = {manifest.parent.name for manifest in ROOT.glob("functions/*/Cargo.toml")}
        self.assertEqual({name for name, *_ in routes}, crates - {"member-cascade"})
        open_to_all = {"describe-sign-in", "register-node", "record-heartbeat", "get-own-node", "leave-team"}
        self.assertEqual({name for name, _, asked, _ in routes if asked == "NONE"}, open_to_all)

    def test_a_function_is_called_by_its_own_route_alone(self):
        sources = {
            name: source for name, _, _, source in (l.split("\t") for l in by_hand("routes").stdout.splitlines())
        }
        self.assertEqual(sources["register-node"], "POST/api/register-node")
        self.assertEqual(sources["remove-node"], "DELETE/api/teams/*/nodes/*")

    def test_the_access_log_is_of_one_line(self):
        format_ = by_hand("access-log").stdout
        self.assertEqual(format_.count("\n"), 1)
        self.assertIn("$context.requestId", format_)

    def test_a_policy_is_the_template_s_on_this_table(self):
        policy = json.loads(by_hand("policy", "list-teams", *WHERE, "--table", "mine").stdout)
        *table, log = policy["Statement"]
        self.assertEqual([statement["Action"] for statement in table], ["dynamodb:Query", "dynamodb:BatchGetItem"])
        for statement in table:
            self.assertEqual(statement["Resource"], "arn:aws:dynamodb:eu-central-1:123456789012:table/mine")
            self.assertIn("ForAllValues:StringLike", statement["Condition"])
        self.assertEqual(log["Resource"], "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/list-teams:*")

    def test_only_the_cascade_reads_the_stream(self):
        for name, wanted in (("member-cascade", True), ("register-node", False)):
            policy = by_hand("policy", name, *WHERE).stdout
            self.assertEqual("table/muster/stream/*" in policy, wanted, name)
            self.assertEqual(":muster-dead-letters" in policy, wanted, name)

    def test_a_function_that_is_none(self):
        done = by_hand("policy", "make-tea", *WHERE)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("make-tea", done.stderr)


if __name__ == "__main__":
    unittest.main()
