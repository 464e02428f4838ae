#!/usr/bin/env python3
"""What `make deploy` and its like ask of AWS, about the stack that samconfig.toml names.

It runs in .venv, where SAM's own boto3 and tomlkit are. Every failure is one line, with what to do about it.
A deployment runs it seven times: what takes long to load is loaded where it is used.
"""

import argparse
import json
import sys
from pathlib import Path

import tomlkit
import yaml

import by_hand
import parameters
import template_file

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "samconfig.toml"
TABLE = ROOT / "infra/table.json"

# What has to come before the next deployment, by the status of the stack.
STUCK = {
    "DELETE_IN_PROGRESS": "wait until it is deleted",
    "DELETE_FAILED": "make undeploy goes on with its deletion",
    "UPDATE_ROLLBACK_FAILED": "once what its events name is mended, aws cloudformation continue-update-rollback "
    "--stack-name {stack} --region {region}",
}


class Refusal(Exception):
    """A reason not to go on, and what to do about it."""


# ---- samconfig.toml


class Settings:
    """The answers that `make deploy` keeps. What they leave out is as the template has it."""

    def __init__(self):
        if not CONFIG.exists():
            raise Refusal("there is no samconfig.toml, which `make deploy` writes: nothing was deployed from here")
        try:
            self.document = tomlkit.parse(CONFIG.read_text())
            shared = self.document["default"]["global"]["parameters"]
            self.stack, self.region = str(shared["stack_name"]), str(shared["region"])
            self.parameters = shared["parameter_overrides"]
            self.table = str(self.parameters["TableName"])
        except (tomlkit.exceptions.TOMLKitError, KeyError, TypeError) as error:
            example = "compare it with infra/samconfig.example.toml"
            raise Refusal(f"samconfig.toml is not as it should be ({error}): {example}") from None

    def values(self):
        """The parameters as CloudFormation is given them: text, a list with commas between."""
        return {name: text_of(value) for name, value in self.parameters.items()}

    def keep(self, **parameters):
        """Puts parameters into the file."""
        self.parameters.update(parameters)
        CONFIG.write_text(tomlkit.dumps(self.document))


def text_of(value):
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


# ---- Commands


def whoami(arguments):
    """Prints the account, and the region if one is set."""
    import boto3

    session = boto3.Session(region_name=arguments.region)
    region = session.region_name or ""
    print(session.client("sts", region_name=region or "us-east-1").get_caller_identity()["Account"], region)


def setting(arguments):
    """Prints the stack, the region, or a parameter; nothing if it is not set."""
    settings = Settings()
    known = {"stack": settings.stack, "region": settings.region, "table": settings.table}
    print(known.get(arguments.name, settings.values().get(arguments.name, "")))


def check(arguments):
    """Refuses parameters that CloudFormation would refuse, after a long build."""
    settings = Settings()
    for reason in parameters.Stack(template_file.read(), settings.values()).refused():
        raise Refusal(f"samconfig.toml: {reason}")
    stream = settings.parameters.get("TableStream")
    if stream and f":table/{settings.table}/" not in stream:
        raise Refusal(
            f"samconfig.toml: TableStream is a stream of another table than {settings.table}: "
            "`make adopt TABLE=<the table>` writes both"
        )


def free(arguments):
    """Refuses to deploy over a stuck stack, past or over a table with data in it, and on a table that is gone."""
    settings = Settings()
    stack = describe_stack(settings)
    adopted = settings.parameters.get("TableStream")
    if stack and stack["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
        kept = (
            f"the table {settings.table}, which was there before, stays"
            if adopted
            else f"the table {settings.table} stays if it was made. DELETE_TABLE=yes make undeploy deletes it too, and "
            "says first whether anything is in it"
        )
        raise Refusal(
            f"the first deployment of the stack {settings.stack} failed ({stack['StackStatus']}), and it can only be "
            f"deleted: make undeploy; {kept}"
        )
    if stack and stack["StackStatus"] in STUCK:
        raise Refusal(
            f"the stack {settings.stack} is {stack['StackStatus']}, and nothing can be deployed over that: "
            + STUCK[stack["StackStatus"]].format(stack=settings.stack, region=settings.region)
        )
    if adopted:
        if not describe_table(settings.region, settings.table):
            raise Refusal(
                f"samconfig.toml has the stream of the table {settings.table}, and there is no such table in "
                f"{settings.region}: take TableStream out of samconfig.toml to begin with an empty one"
            )
        return
    if stack:
        its_table(settings, stack)
    elif describe_table(settings.region, settings.table):
        raise Refusal(
            f"there is a table {settings.table} in {settings.region}, and no stack {settings.stack}. To go on with "
            f"that table and all that is in it: make adopt TABLE={settings.table}. To begin with an empty one: "
            "give TableName another name in samconfig.toml"
        )


def outputs(arguments):
    """Prints the stack's outputs, or one of them."""
    found = outputs_of(the_stack(Settings()))
    if arguments.name:
        print(found.get(arguments.name, ""))
    else:
        for name, value in sorted(found.items()):
            print(f"{name:20}{value}")


def contents(arguments):
    """Says what the stack's deletion deletes, and what it keeps."""
    settings = Settings()
    the_stack(settings)
    client = client_of("cloudformation", settings.region)
    pages = client.get_paginator("list_stack_resources").paginate(StackName=settings.stack)
    kinds = {}
    for resource in (resource for page in pages for resource in page["StackResourceSummaries"]):
        if resource["ResourceStatus"] != "DELETE_COMPLETE":
            kinds.setdefault(resource["ResourceType"], []).append(resource.get("PhysicalResourceId", "?"))
    kinds.pop("AWS::DynamoDB::Table", None)
    print(f"The stack {settings.stack} in {settings.region} is deleted, with")
    for kind, ids in sorted(kinds.items()):
        shown = f"{len(ids)} of them" if len(ids) > 3 else ", ".join(sorted(ids))
        print(f"  {kind.removeprefix('AWS::'):40}{shown}")


def routes(arguments):
    """Refuses to call deployed what has other routes than the template, or lets in whoever has no JWT."""
    settings = Settings()
    resource = client_of("cloudformation", settings.region).describe_stack_resource(
        StackName=settings.stack, LogicalResourceId="Api"
    )
    api = resource["StackResourceDetail"]["PhysicalResourceId"]
    pages = client_of("apigatewayv2", settings.region).get_paginator("get_routes").paginate(ApiId=api)
    there = {route["RouteKey"]: route["AuthorizationType"] for page in pages for route in page["Items"]}
    wanted = dict(line.split("\t")[1:3] for line in by_hand.routes())
    wrong = sorted(key for key in wanted.keys() | there.keys() if wanted.get(key) != there.get(key))
    if wrong:
        said = "; ".join(f"{key} is {there.get(key, 'missing')}, not {wanted.get(key, 'there')}" for key in wrong[:3])
        raise Refusal(
            f"THE API IS NOT AS IT SHOULD BE, in {len(wrong)} of {len(wanted)} routes ({said}). API Gateway leaves out "
            "routes without a word if it does not take the issuer: see that JwtIssuer is right and reachable from "
            "anywhere, change it in samconfig.toml to have it set up anew, and `make deploy`"
        )


def adopt(arguments):
    """Has the next deployment go on with a table that is there, and makes that table what the template makes one."""
    settings = Settings()
    name, region = arguments.table, settings.region
    table = describe_table(region, name)
    if not table:
        raise Refusal(f"there is no table {name} in {region}")
    if table["TableStatus"] != "ACTIVE":
        raise Refusal(f"the table {name} is {table['TableStatus']}: try again when it is ACTIVE")
    wanted = json.loads(TABLE.read_text())
    refuse_other_keys(table, wanted)
    client = client_of("dynamodb", region)
    stream = table.get("StreamSpecification", {})
    if not stream.get("StreamEnabled"):
        client.update_table(TableName=name, StreamSpecification=wanted["StreamSpecification"])
        client.get_waiter("table_exists").wait(TableName=name)
    elif stream.get("StreamViewType") != wanted["StreamSpecification"]["StreamViewType"]:
        raise Refusal(f"the stream of the table {name} has other images than infra/table.json: turn it off first")
    if not table.get("DeletionProtectionEnabled"):
        client.update_table(TableName=name, DeletionProtectionEnabled=True)
        client.get_waiter("table_exists").wait(TableName=name)
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
    if expiry == "DISABLED":
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted["TimeToLiveSpecification"])
    settings.keep(TableName=name, TableStream=client.describe_table(TableName=name)["Table"]["LatestStreamArn"])
    print(f"{name} has its stream, point-in-time recovery, expiry and deletion protection, and is in samconfig.toml.")
    print("Next: make deploy")


def table(arguments):
    """Prints the table of the stack; refuses if samconfig.toml has another."""
    settings = Settings()
    print(its_table(settings, the_stack(settings)))


def left(arguments):
    """Prints the table of samconfig.toml if there is no stack, and nothing if there is.

    Nothing says that it was the stack's, so it has to be a table of Muster that nobody uses.
    """
    settings = Settings()
    if describe_stack(settings):
        return
    found = describe_table(settings.region, settings.table)
    if not found:
        raise Refusal(f"there is no stack {settings.stack} in {settings.region}, and no table {settings.table}")
    refuse_other_keys(found, json.loads(TABLE.read_text()))
    readers = readers_of(settings.region, found)
    if readers:
        raise Refusal(
            f"there is no stack {settings.stack} in {settings.region}, and the table {settings.table} is in use: its "
            f"stream is read by {', '.join(readers)}. If another stack has it, set stack_name in samconfig.toml to that"
        )
    print(settings.table)


def holds(arguments):
    """Says what is in a table: nothing, or something, and by DynamoDB's own count of some hours ago how much."""
    region, name = Settings().region, arguments.table
    found = describe_table(region, name)
    if not found:
        print(f"the table {name}, which is not there")
    elif client_of("dynamodb", region).scan(TableName=name, Limit=1)["Count"] == 0:
        print(f"the table {name}, which is empty")
    else:
        count = f"{found.get('ItemCount', 0):,} items when DynamoDB last counted"
        print(f"the table {name}, WHICH HOLDS DATA: all teams, tokens and nodes ({count})")


def delete_table(arguments):
    """Deletes the table that the stack has left. Its last backup stays for 35 days."""
    settings = Settings()
    client = client_of("dynamodb", settings.region)
    try:
        client.update_table(TableName=arguments.table, DeletionProtectionEnabled=False)
        client.get_waiter("table_exists").wait(TableName=arguments.table)
        client.delete_table(TableName=arguments.table)
        client.get_waiter("table_not_exists").wait(TableName=arguments.table)
    except client.exceptions.ResourceNotFoundException:
        pass  # Somebody was faster, or it was never made.
    if settings.parameters.get("TableStream"):
        settings.keep(TableStream="")


def invite(arguments):
    """Sends a person an invitation to the stack's user pool."""
    settings = Settings()
    stack = the_stack(settings)
    pool = outputs_of(stack).get("UserPoolId")
    if not pool:
        raise Refusal(f"the stack {settings.stack} has no user pool: people are made known to its issuer, not here")
    client_of("cognito-idp", settings.region).admin_create_user(
        UserPoolId=pool,
        Username=arguments.email,
        DesiredDeliveryMediums=["EMAIL"],
        # The temporary password goes there: whoever signs in with it has read that mail.
        UserAttributes=[{"Name": "email", "Value": arguments.email}, {"Name": "email_verified", "Value": "true"}],
    )
    print(f"{arguments.email} has mail with a temporary password, good for seven days.")


# ---- What is there


def client_of(service, region):
    import boto3

    return boto3.client(service, region_name=region)


def describe_stack(settings):
    client = client_of("cloudformation", settings.region)
    try:
        stack = client.describe_stacks(StackName=settings.stack)["Stacks"][0]
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return None if stack["StackStatus"] in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS") else stack


def the_stack(settings):
    stack = describe_stack(settings)
    if not stack:
        raise Refusal(f"there is no stack {settings.stack} in {settings.region}")
    return stack


def outputs_of(stack):
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def its_table(settings, stack):
    """The stack's table. One that was never made whole has no outputs: it was to have the table of samconfig.toml."""
    name = outputs_of(stack).get("TableName", settings.table)
    if name != settings.table:
        raise Refusal(
            f"the stack {settings.stack} has the table {name}, and samconfig.toml has TableName = "
            f'"{settings.table}": put the name back, or go over to a table that is there with make adopt '
            f"TABLE={settings.table}"
        )
    return name


def describe_table(region, name):
    client = client_of("dynamodb", region)
    try:
        return client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None


def refuse_other_keys(table, wanted):
    if keys_of(table) != keys_of(wanted):
        raise Refusal(f"the table {table['TableName']} has other keys than infra/table.json: it is no table of Muster")


def keys_of(table):
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
    return sorted((key["KeyType"], key["AttributeName"], types[key["AttributeName"]]) for key in table["KeySchema"])


def readers_of(region, table):
    """The functions that the table's stream is handed to."""
    stream = table.get("LatestStreamArn")
    if not stream:
        return []
    client = client_of("lambda", region)
    pages = client.get_paginator("list_event_source_mappings").paginate(EventSourceArn=stream)
    mappings = [mapping for page in pages for mapping in page["EventSourceMappings"]]
    return sorted(mapping["FunctionArn"].split(":")[6] for mapping in mappings if mapping["State"] != "Deleting")


# ---- The command line


def explained(error):
    """What to do about what boto3 says."""
    from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ProfileNotFound

    if isinstance(error, NoCredentialsError):
        return "AWS knows no credentials: set AWS_PROFILE, or run `aws configure` or `aws sso login`"
    if isinstance(error, ProfileNotFound):
        return f"{error}: set AWS_PROFILE to one that `aws configure list-profiles` lists"
    if isinstance(error, EndpointConnectionError):
        return f"{error} Look at the network, at AWS_REGION and at AWS_ENDPOINT_URL"
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if code in ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"):
            return f"AWS does not take the credentials ({code}): sign in again, or set AWS_PROFILE to another profile"
    return " ".join(str(error).split())


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(run, *names, **defaults):
        subparser = commands.add_parser(run.__name__.replace("_", "-"), help=run.__doc__)
        for name in names:
            subparser.add_argument(name, **({"nargs": "?", "default": defaults[name]} if name in defaults else {}))
        subparser.set_defaults(run=run)

    command(whoami, "region", region=None)
    command(setting, "name")
    command(check)
    command(free)
    command(outputs, "name", name=None)
    command(contents)
    command(routes)
    command(adopt, "table")
    command(table)
    command(left)
    command(holds, "table")
    command(delete_table, "table")
    command(invite, "email")
    return parser.parse_args()


def of_aws():
    """What boto3 may raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


if __name__ == "__main__":
    arguments = parse()
    try:
        arguments.run(arguments)
    except (Refusal, yaml.YAMLError) as error:
        print(f"stack: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    # Last, for it loads what it names.
    except of_aws() as error:
        print(f"stack: {explained(error)}", file=sys.stderr)
        sys.exit(1)
