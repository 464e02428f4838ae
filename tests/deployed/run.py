"""template.yaml deployed to an emulator on loopback, and everything tried on it that can be tried without an account.

Usage: run.py; `make test-deploy` prepares what it needs.
"""

import os
import shutil
import sys
from pathlib import Path

import boto3

import inventory
import least_privilege
import rehearsal
from api import Api, ask
from programs import Failed, eventually, free_port, seen
from stack import Stack, functions, read
from workplace import ROOT, SCENARIOS, TARGET, isolate, phase, workplace

# Beside a second build of the same code, this is what tells it from the first.
MARK = "the second build"


def build():
    """Builds what is deployed, and what is needed beside it."""
    names = functions(read(ROOT / "template.yaml"))
    packages = [argument for name in names for argument in ("--package", name)]
    tools = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    seen(["cargo", "lambda", "build", "--locked", "--profile", "emulator", *packages], PATH=tools)
    seen(["cargo", "build", "--locked", "--workspace", "--bin", "muster-local"])
    seen([*SCENARIOS, "--no-run"])


def run_scenarios(api):
    """The scenarios of `make test`. Some wait for a minute, so it takes more of them at once than there are cores."""
    at = {"MUSTER_URL": api.url, "MUSTER_ISSUER": api.issuer}
    seen([*SCENARIOS, "scenarios::", "--", "--test-threads", "8"], **at)


def set_schedule(name, state):
    scheduler = boto3.client("scheduler")
    schedule = scheduler.get_schedule(Name=name)
    wanted = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{key: schedule[key] for key in wanted if key in schedule}, State=state)


def swept_by_the_stream(stack, team):
    """Whether a sweep of the team is told as one of the stream's are. What the schedule sweeps is told otherwise."""
    return any('"removal swept"' in line and team.id in line for line in function_logs(stack).splitlines())


def check_stream(api, stack):
    """The stream alone lets a member's tokens and nodes go; that it is done, the schedule finds."""
    (schedule,) = [physical for kind, physical in stack.resources().values() if kind == "AWS::Scheduler::Schedule"]
    set_schedule(schedule, "DISABLED")
    team = api.sign_in().makes_a_team()
    bob = team.welcomes("admin")
    token = bob.token()
    api.register(201, token["token"], "bobs")
    team.removes(bob)
    eventually("the stream's record is handled", lambda: swept_by_the_stream(stack, team))
    assert team.nodes() == set()
    assert team.call(200, "GET", f"/registration-tokens/{token['id']}")["status"] == "revoked"
    (removal,) = team.call(200, "GET", "/removals")["removals"]
    assert (removal["state"], removal["nodes_removed"]) == ("running", 1), removal
    queue = stack.outputs()["DeadLetterQueueUrl"]
    waiting = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert waiting["ApproximateNumberOfMessages"] == "0", waiting
    set_schedule(schedule, "ENABLED")


def code(stack):
    """What code each function runs."""
    client = boto3.client("lambda")
    return {
        logical_id: client.get_function(FunctionName=physical)["Configuration"]["CodeSha256"]
        for logical_id, (kind, physical) in stack.resources().items()
        if kind == "AWS::Lambda::Function"
    }


def second_build(directory):
    """Code of list-nodes that is not the first: it leaves a mark in the log."""
    directory.mkdir()
    shutil.copy(TARGET / "lambda" / "list-nodes" / "bootstrap", directory / "list-nodes")
    bootstrap = directory / "bootstrap"
    bootstrap.write_text(f'#!/bin/sh\necho "{MARK}" >&2\nexec "$(dirname "$0")/list-nodes"\n')
    bootstrap.chmod(0o755)
    return directory


def check_update(api, stack):
    """An update changes the code of the one function that it is about, and loses nothing."""
    team = api.sign_in().makes_a_team()
    api.register(201, team.token()["token"], "stays")
    before, table = code(stack), stack.resources()["Table"]
    stack.replace_code("ListNodes", second_build(stack.work / "second-build"))
    after = code(stack)
    assert {name for name in before if before[name] != after[name]} == {"ListNodes"}, (before, after)
    assert stack.resources()["Table"] == table
    assert team.nodes() == {"stays"}
    eventually("the new code runs", lambda: MARK in function_logs(stack))


def function_logs(stack):
    group = stack.resources()["FunctionLogs"][1]
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return "\n".join(event["message"] for page in pages for event in page["events"])


def items(table):
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, Select="COUNT")
    return sum(page["Count"] for page in pages)


def check_deletion(api, stack):
    """What is deleted is gone, but for the table, which is kept and does not let itself be deleted."""
    resources = stack.resources()
    table = resources["Table"][1]
    set_schedule(next(p for kind, p in resources.values() if kind == "AWS::Scheduler::Schedule"), "DISABLED")
    held = items(table)
    assert inventory.there(resources) == inventory.whole(resources).keys()
    stack.delete()
    left = inventory.there(resources)
    assert left == {"Table"}, f"deleted, the stack leaves {', '.join(sorted(left))}"
    assert ask(f"{api.url}/api/teams")[0] == 404
    assert items(table) == held > 0
    dynamodb = boto3.client("dynamodb")
    try:
        dynamodb.delete_table(TableName=table)
    except dynamodb.exceptions.ClientError as error:
        assert "protect" in str(error).lower(), error
    else:
        raise Failed("the table that is kept lets itself be deleted")
    return held


def run(place):
    phase("deploy: functions")
    build()
    phase("deploy: stack")
    emulator, issuer = free_port(), free_port()
    isolate(f"http://127.0.0.1:{emulator}")
    with place.emulator(emulator, "bridged") as aws, place.issuer(issuer) as local:
        aws.wait()
        local.wait()
        stack = Stack(place, f"http://127.0.0.1:{issuer}")
        stack.deploy()
        api = Api(stack.outputs()["ApiUrl"], f"http://127.0.0.1:{issuer}")
        print(f"{len(stack.resources())} resources are made; the API is at {api.url}")
        phase("deploy: scenarios")
        run_scenarios(api)
        phase("deploy: stream, update")
        check_stream(api, stack)
        print("the stream lets go what a removed member let in")
        check_update(api, stack)
        print("an update changes one function's code, and the data is there after it")
        phase("deploy: least privilege")
        deployed = [name for name, (kind, _) in stack.resources().items() if kind == "AWS::Lambda::Function"]
        print(f"{least_privilege.check(api, deployed)} actions are taken away, one at a time: missed as they should be")
        phase("deploy: deletion")
        print(f"all is gone but the table and its {check_deletion(api, stack)} items")
        phase("deploy: rehearsal")
        full, few = rehearsal.rehearse(place)
        print(
            f"`make deploy` with all on: {full} resources, with all off: {few}; undeployed, adopted, deleted for good"
        )


if __name__ == "__main__":
    with workplace("test-deploy") as place:
        run(place)
