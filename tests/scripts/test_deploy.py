"""`make deploy` and its like say in one line what is missing and what to do, and do nothing then."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from aws import STREAM, Aws

ROOT = Path(__file__).resolve().parent.parent.parent


def table(name, types="SS", **more):
    """A table of Muster, or if `types` are others than its keys have, one of something else."""
    keys = list(zip(("pk", "sk"), ("HASH", "RANGE"), types, strict=False))
    return {
        "TableName": name,
        "TableStatus": "ACTIVE",
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind, _ in keys],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": type_} for key, _, type_ in keys],
        **more,
    }


class Checkout(unittest.TestCase):
    """A copy of what the scripts need, in a directory of its own, with the tools of this one."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for part in ("scripts", "infra"):
            shutil.copytree(ROOT / part, self.root / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "template.yaml", self.root)
        (self.root / ".venv").symlink_to(ROOT / ".venv")
        (self.root / "bin").mkdir()
        self.environment = {
            "PATH": f"{self.root}/bin:{os.environ['PATH']}",
            "HOME": str(self.root),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def aws(self, **there):
        server = Aws(**there)
        self.addCleanup(server.stop)
        self.environment |= {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        return server

    def configured(self, **parameters):
        text = (self.root / "infra/samconfig.example.toml").read_text()
        for name, value in parameters.items():
            text = re.sub(rf"^{name} = .*\n", "", text, flags=re.MULTILINE)
            text = text.replace("[default.deploy", f"{name} = {json.dumps(value)}\n\n[default.deploy")
        (self.root / "samconfig.toml").write_text(text)

    def run_script(self, *command, **environment):
        return subprocess.run(
            command,
            check=False,
            cwd=self.root,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def stack(self, *arguments):
        """One of the questions that the scripts ask."""
        return self.run_script(str(self.root / ".venv/bin/python"), "infra/stack.py", *arguments)

    def assert_refused(self, done, *said):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for words in said:
            self.assertIn(words, done.stderr)


class Deploy(Checkout):
    def deploy(self, **environment):
        return self.run_script("scripts/deploy.sh", **environment)

    def test_without_the_tools(self):
        (self.root / ".venv").unlink()
        self.assert_refused(self.deploy(), "make tools")

    def test_without_credentials(self):
        self.assert_refused(self.deploy(), "no credentials", "aws configure")

    def test_with_a_profile_that_is_none(self):
        self.assert_refused(self.deploy(AWS_PROFILE="none"), "none", "AWS_PROFILE")

    def test_without_a_network(self):
        self.aws().stop()
        self.assert_refused(self.deploy(AWS_MAX_ATTEMPTS="1"), "Could not connect")

    def test_the_first_time_with_nobody_to_ask(self):
        self.aws()
        self.assert_refused(self.deploy(), "nobody to ask", "infra/samconfig.example.toml")
        self.assertFalse((self.root / "samconfig.toml").exists())

    def test_with_a_configuration_that_is_none(self):
        self.aws()
        (self.root / "samconfig.toml").write_text("version = ")
        self.assert_refused(self.stack("check"), "samconfig.toml is not as it should be")

    def test_with_parameters_that_cloudformation_would_refuse(self):
        cases = [
            ({"LogRetentionDays": "2"}, "LogRetentionDays"),
            ({"RouteRate": "many"}, "RouteRate"),
            ({"WarmWriteUnits": "10"}, "WarmWriteUnits"),
            ({"TableStream": "muster"}, "ARN of a table's stream"),
            ({"TableStream": STREAM}, "another table than muster"),
            ({"Colour": "green"}, "Colour is no parameter"),
        ]
        for parameters, said in cases:
            self.configured(**parameters)
            self.assert_refused(self.stack("check"), "samconfig.toml", said)
        self.aws()
        self.assert_refused(self.deploy(), "samconfig.toml", said)

    def test_with_an_issuer_whose_every_token_would_do(self):
        self.configured(JwtIssuer="https://issuer.example.com")
        self.assert_refused(self.stack("check"), "JwtIssuer without JwtAudience")

    def rust(self, library):
        rustc = self.root / "bin/rustc"
        rustc.write_text(f"#!/bin/sh\necho '{library}'\n")
        rustc.chmod(0o755)

    def test_without_a_standard_library_for_the_processor(self):
        self.aws()
        self.configured()
        self.rust(self.root / "none")
        self.assert_refused(self.deploy(), "rustup target add aarch64-unknown-linux-gnu")

    # Through all of deploy.sh; what else `free` refuses is asked of it alone.
    def test_over_a_table_that_an_earlier_stack_left(self):
        self.aws(table={"TableStatus": "ACTIVE"})
        self.configured()
        self.rust(self.root)
        self.assert_refused(self.deploy(), "make adopt TABLE=muster", "TableName")

    def test_over_a_stack_that_is_stuck(self):
        cases = [
            ("DELETE_IN_PROGRESS", "wait until it is deleted"),
            ("DELETE_FAILED", "make undeploy"),
            ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name muster --region eu-central-1"),
        ]
        self.configured()
        for status, said in cases:
            self.aws(stack=status, TableName="muster")
            self.assert_refused(self.stack("free"), f"the stack muster is {status}", said)

    def test_on_a_table_that_was_there_and_is_gone(self):
        self.aws()
        self.configured(TableName="muster-2", TableStream=STREAM)
        self.assert_refused(self.stack("free"), "muster-2", "take TableStream out of samconfig.toml")

    def test_over_a_first_deployment_that_failed(self):
        self.aws(stack="ROLLBACK_COMPLETE")
        self.configured()
        self.assert_refused(
            self.stack("free"), "ROLLBACK_COMPLETE", "make undeploy", "says first whether anything is in it"
        )

    def test_over_a_first_deployment_that_failed_with_a_table_that_was_there(self):
        self.aws(stack="ROLLBACK_COMPLETE", table={"TableStatus": "ACTIVE"})
        self.configured(TableName="muster-2", TableStream=STREAM)
        done = self.stack("free")
        self.assert_refused(done, "make undeploy", "the table muster-2, which was there before, stays")
        self.assertNotIn("DELETE_TABLE", done.stderr)

    def test_past_the_table_of_a_stack_that_runs(self):
        self.aws(stack="UPDATE_COMPLETE", TableName="muster")
        self.configured(TableName="other")
        self.assert_refused(self.stack("free"), "has the table muster", "make adopt TABLE=other")

    def test_lists_are_taken_for_what_sam_takes_them_for(self):
        self.configured(CallbackUrls=["http://localhost:1/a", "http://localhost:2/b"])
        checked = self.stack("check")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        read = self.stack("setting", "CallbackUrls")
        self.assertEqual(read.stdout, "http://localhost:1/a,http://localhost:2/b\n")

    def test_with_an_issuer_that_is_not_to_be_reached(self):
        self.aws()
        self.configured(JwtIssuer="https://127.0.0.1:9", JwtAudience="muster")
        self.assert_refused(self.deploy(), "issuer: https://127.0.0.1:9/.well-known/openid-configuration gives no JSON")


class Routes(Checkout):
    def routes(self, routes):
        self.aws(stack="UPDATE_COMPLETE", routes=routes)
        self.configured()
        return self.stack("routes")

    def wanted(self):
        done = self.run_script(str(self.root / ".venv/bin/python"), "infra/by_hand.py", "routes")
        return [line.split("\t")[1:3] for line in done.stdout.splitlines()]

    def test_that_are_those_of_the_template(self):
        done = self.routes(self.wanted())
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_that_are_open_to_all(self):
        wanted = self.wanted()
        done = self.routes([(key, "NONE") for key, _ in wanted])
        closed = sum(authorization == "JWT" for _, authorization in wanted)
        self.assert_refused(done, f"in {closed} of {len(wanted)} routes", "is NONE, not JWT", "JwtIssuer")

    def test_that_are_left_out(self):
        done = self.routes([("POST /api/register-node", "NONE")])
        self.assert_refused(done, "is missing, not JWT")


class Undeploy(Checkout):
    def undeploy(self, **environment):
        return self.run_script("scripts/undeploy.sh", **environment)

    def test_of_what_was_never_deployed(self):
        self.aws()
        self.assert_refused(self.undeploy(), "nothing was deployed from here")

    def test_of_a_stack_that_is_gone(self):
        self.aws()
        self.configured()
        self.assert_refused(self.undeploy(YES="muster"), "there is no stack muster", "no table muster")

    def test_again_says_that_the_table_is_left(self):
        aws = self.aws(table=table("muster"))
        self.configured()
        done = self.undeploy()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        where = "There is no stack muster in the account 123456789012, in eu-central-1. A table muster is there"
        for words in (where, "DELETE_TABLE=yes", "make adopt TABLE=muster"):
            self.assertIn(words, done.stdout)
        self.assertEqual(aws.calls, [])

    def test_again_goes_on_with_the_table(self):
        readers = [("muster-MemberCascade-a1", "Deleting")]
        aws = self.aws(table=table("muster", LatestStreamArn=STREAM), items={"muster": [{}]}, readers=readers)
        self.configured()
        again = {"YES": "muster", "DELETE_TABLE": "yes"}
        done = self.undeploy(**again)
        where = "the table muster in the account 123456789012, in eu-central-1"
        self.assert_refused(done, f"YES_TABLE=muster to delete {where}", "nothing was deleted")
        self.assertIn("What is deleted is the table muster, WHICH HOLDS DATA", done.stdout)
        self.assertEqual(aws.calls, [])
        done = self.undeploy(**again, YES_TABLE="muster")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([operation for operation, _ in aws.calls], ["UpdateTable", "DeleteTable"])

    def test_again_leaves_a_table_of_something_else(self):
        for types in ("S", "SN"):
            aws = self.aws(table=table("muster", types))
            self.configured()
            done = self.undeploy(DELETE_TABLE="yes", YES_TABLE="muster")
            self.assert_refused(done, "the table muster has other keys", "no table of Muster")
            self.assertEqual(aws.calls, [])

    def test_again_leaves_a_table_that_another_stack_uses(self):
        readers = [("production-MemberCascade-a1", "Enabled")]
        aws = self.aws(table=table("muster", LatestStreamArn=STREAM), readers=readers)
        self.configured()
        done = self.undeploy(DELETE_TABLE="yes", YES_TABLE="muster")
        self.assert_refused(done, "the table muster is in use", "read by production-MemberCascade-a1", "stack_name")
        self.assertEqual(aws.calls, [])

    def test_unless_its_name_is_given(self):
        self.aws(stack="CREATE_COMPLETE")
        self.configured()
        self.assert_refused(self.undeploy(), "YES=muster", "nothing was deleted")
        self.assert_refused(self.undeploy(YES="yes"), "nothing was deleted")

    def test_with_the_table_unless_its_name_is_given_too(self):
        aws = self.aws(stack="CREATE_COMPLETE", table={"TableStatus": "ACTIVE"})
        self.configured()
        done = self.undeploy(YES="muster", DELETE_TABLE="yes")
        self.assert_refused(done, "YES_TABLE=muster", "nothing was deleted")
        self.assertEqual(aws.calls, [])
        where = "in the account 123456789012, in eu-central-1"
        self.assertIn(f"Deleted last is the table muster, which is empty, {where}.", done.stdout)

    def test_says_that_the_table_is_not_empty(self):
        self.aws(stack="ROLLBACK_COMPLETE", table={"TableStatus": "ACTIVE", "ItemCount": 0}, items={"muster": [{}, {}]})
        self.configured()
        done = self.undeploy(YES="muster", DELETE_TABLE="yes")
        self.assert_refused(done, "YES_TABLE=muster", "nothing was deleted")
        self.assertIn("HOLDS DATA", done.stdout)

    def test_with_another_table_than_the_stack_has(self):
        aws = self.aws(stack="CREATE_COMPLETE", table={"TableStatus": "ACTIVE"}, TableName="production")
        self.configured()
        done = self.undeploy(YES="muster", DELETE_TABLE="yes", YES_TABLE="muster")
        self.assert_refused(done, "has the table production")
        self.assertEqual(aws.calls, [])

    def test_with_a_table_that_is_gone(self):
        self.aws()
        self.configured()
        done = self.stack("delete-table", "muster")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Adopt(Checkout):
    def adopt(self):
        return self.stack("adopt", "muster-2")

    def test_of_a_restored_table_gives_it_what_it_lacks(self):
        aws = self.aws(table=table("muster-2"))
        self.configured()
        done = self.adopt()
        self.assertEqual(done.returncode, 0, done.stderr)
        calls = [(operation, request) for operation, request in aws.calls if operation.startswith("Update")]
        name = {"TableName": "muster-2"}
        self.assertEqual(
            calls,
            [
                (
                    "UpdateTable",
                    {**name, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}},
                ),
                ("UpdateTable", {**name, "DeletionProtectionEnabled": True}),
                (
                    "UpdateContinuousBackups",
                    {**name, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
                ),
                ("UpdateTimeToLive", {**name, "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}}),
            ],
        )
        text = (self.root / "samconfig.toml").read_text()
        self.assertIn('TableName = "muster-2"', text)
        self.assertIn(f'TableStream = "{STREAM}"', text)
        self.assertIn('Architecture = "arm64"', text)

    def test_of_a_table_of_something_else(self):
        aws = self.aws(table=table("muster-2", "S"))
        self.configured()
        self.assert_refused(self.adopt(), "no table of Muster")
        self.assertEqual(aws.calls, [])

    def test_of_a_table_that_is_not_there(self):
        self.aws()
        self.configured()
        self.assert_refused(self.adopt(), "there is no table muster-2")


if __name__ == "__main__":
    unittest.main()
