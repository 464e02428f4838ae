"""A stack's life in an account, with the commands of docs/OPERATIONS.md in a copy of this directory: deployed with all
that can be turned on, turned off, deleted, deployed again over the table that was kept, and deleted with it."""

import json
import os
import platform
import shutil
from pathlib import Path

import boto3
import tomlkit

import inventory
from programs import logged
from stack import Stack
from workplace import REGION, ROOT, TARGET

NAME = "rehearsal"
SOMEBODY = "somebody@example.com"
OFF = {
    "TableName": NAME,
    "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
    "JwtIssuer": "",
    "JwtAudience": "",
    "AlarmEmail": "",
    "Dashboard": "no",
    "MachineClient": "no",
    "RequireMfa": "no",
    "SelfSignUp": "no",
    "Tracing": "Disabled",
}
ON = OFF | {
    "AlarmEmail": SOMEBODY,
    "Dashboard": "yes",
    "MachineClient": "yes",
    "RequireMfa": "yes",
    "SelfSignUp": "yes",
    "Tracing": "Active",
    "WarmReadUnits": "13000",
}
# What OFF leaves out of ON.
EXTRAS = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::SNS::Topic"}


class Checkout:
    """A copy of this directory, to deploy from as a user does."""

    def __init__(self, place):
        self.path, self.log = place.path / "checkout", place.logs / "rehearsal.log"
        shutil.copytree(ROOT, self.path, ignore=shutil.ignore_patterns("target", ".*", "samconfig.toml"))
        for hidden in (".venv", ".gitignore"):
            (self.path / hidden).symlink_to(ROOT / hidden)
        tools = place.path / "tools"
        tools.mkdir()
        (tools / "cargo").symlink_to(Path(__file__).parent / "cargo.sh")
        self.environment = {
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "CARGO": shutil.which("cargo"),
            "BUILT": str(TARGET / "lambda"),
            "CARGO_TARGET_DIR": str(self.path / "target"),
            # What make tells the makes that it runs is not meant for this one.
            "MAKEFLAGS": "",
        }

    def configure(self, parameters):
        """The example of a samconfig.toml, with these parameters and this stack."""
        config = tomlkit.parse((self.path / "infra" / "samconfig.example.toml").read_text())
        shared = config["default"]["global"]["parameters"]
        shared["stack_name"], shared["region"] = NAME, REGION
        shared["parameter_overrides"] = parameters
        (self.path / "samconfig.toml").write_text(tomlkit.dumps(config))

    def make(self, *arguments):
        logged(self.log, ["make", "--no-print-directory", "-C", self.path, *arguments], **self.environment)


def call(stack, function, method, path, body=None):
    """What a function answers to somebody whom API Gateway has let in. The pool's people have no passwords here."""
    claims = {"email": SOMEBODY, "email_verified": "true", "aud": "rehearsal", "sub": "somebody"}
    event = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "requestId": "rehearsal",
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
            "authorizer": {"jwt": {"claims": claims, "scopes": None}},
        },
        "body": body and json.dumps(body),
        "isBase64Encoded": False,
    }
    _, physical = stack.resources()[function]
    answer = json.loads(
        boto3.client("lambda").invoke(FunctionName=physical, Payload=json.dumps(event))["Payload"].read()
    )
    assert answer.get("statusCode") in (200, 201), answer
    return json.loads(answer["body"])


def teams(stack):
    return [team["id"] for team in call(stack, "ListTeams", "GET", "/api/teams")["teams"]]


def clients(resources):
    """The clients of the user pool."""
    pool = resources["UserPool"][1]
    listed = boto3.client("cognito-idp").list_user_pool_clients(UserPoolId=pool, MaxResults=60)["UserPoolClients"]
    return {client["ClientId"] for client in listed}


def kinds(resources):
    return {kind for kind, _ in resources.values()}


def check_there(resources):
    missing = inventory.whole(resources).keys() - inventory.there(resources)
    assert not missing, f"the stack lists what is not there: {', '.join(sorted(missing))}"


def rehearse(place):
    """Says what was deployed with all on, and what with all off."""
    checkout, stack = Checkout(place), Stack(place, "", NAME)
    checkout.configure(ON)
    checkout.make("deploy")
    full = stack.resources()
    check_there(full)
    assert kinds(full) >= EXTRAS, kinds(full)
    assert clients(full) == {full["PeopleClient"][1], full["PipelineClient"][1]}
    team = call(stack, "CreateTeam", "POST", "/api/teams", {"name": "Stays"})["id"]

    checkout.configure(OFF)
    checkout.make("deploy")
    few = stack.resources()
    check_there(few)
    gone = {name: full[name] for name in full.keys() - few.keys()}
    still = {name for name, (kind, _) in few.items() if kind in EXTRAS} | inventory.there(gone)
    assert not still, f"turned off, it is still there: {', '.join(sorted(still))}"
    assert clients(few) == {few["PeopleClient"][1]}
    assert {name: full[name] for name in few} == few, "what nothing was said about has been made anew"

    checkout.make("undeploy", f"YES={NAME}")
    left = inventory.there(few)
    assert left == {"Table"}, f"deleted, the stack leaves {sorted(left)}"

    checkout.make("adopt", f"TABLE={NAME}")
    checkout.make("deploy")
    again = stack.resources()
    assert "Table" not in again
    assert teams(stack) == [team], "the table that was kept has other teams than it had"

    checkout.make("undeploy", f"YES={NAME}", "DELETE_TABLE=yes", f"YES_TABLE={NAME}")
    left = inventory.there(again | {"Table": few["Table"]})
    assert not left, f"deleted with its table, the stack leaves {sorted(left)}"
    return len(full), len(few)
