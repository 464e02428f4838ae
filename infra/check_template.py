"""Holds template.yaml to what a linter cannot know: the table, the functions, who may call and what they may do.

Usage: check_template.py [the repository's root]
"""

import json
import os
import sys
from pathlib import Path

from cfnlint.decode import decode
from samtranslator.translator.transform import transform

# Said of the deployed table alone; everything else is in table.json too.
DEPLOYED_ONLY = {"TableName", "PointInTimeRecoverySpecification", "DeletionProtectionEnabled", "WarmThroughput"}

# By its name, for it may be there without being the stack's.
TABLE = {"Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}"}

# What is called without a login, and what is not called over HTTP at all.
OPEN = {"describe-sign-in", "register-node", "record-heartbeat", "get-own-node", "leave-team"}
INTERNAL = {"member-cascade"}

ACTIONS = {
    f"dynamodb:{action}"
    for action in (
        "BatchGetItem",
        "ConditionCheckItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "UpdateItem",
    )
}
# What Lambda does in the name of a function that it brings the table's stream to. A DynamoDB event would have SAM allow
# it on every stream in the account.
DELIVERY = [
    {
        "Effect": "Allow",
        "Action": [
            f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        ],
        "Resource": {"Fn::Sub": f"{TABLE['Fn::Sub']}/stream/*"},
    },
    {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["DeadLetters", "Arn"]}},
]

# What SAM lets a function do unasked: it writes into any log group of the account. docs/OPERATIONS.md says so.
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
# What SAM lets the schedule do.
SCHEDULED = {
    "Effect": "Allow",
    "Action": "lambda:InvokeFunction",
    "Resource": {"Fn::GetAtt": ["MemberCascade", "Arn"]},
}

TEAM = "TEAM#team_" + "?" * 13
PARTITIONS = {TEAM, f"{TEAM}#TOKENS", f"{TEAM}#LANE#*", f"{TEAM}#GATES#*", f"{TEAM}#ADDR#*", "PRINCIPAL#*", "REMOVALS"}


def as_list(value):
    return value if isinstance(value, list) else [value]


def check_table(resources, definition):
    deployed = {name: value for name, value in resources["Table"]["Properties"].items() if name not in DEPLOYED_ONLY}
    # CloudFormation has a stream by naming its view; CreateTable wants to be told.
    local = {**definition, "StreamSpecification": {**definition["StreamSpecification"]}}
    if local["StreamSpecification"].pop("StreamEnabled", False) is not True:
        yield "infra/table.json: StreamEnabled must be true"
    for name in sorted(deployed.keys() | local.keys()):
        if deployed.get(name) != local.get(name):
            yield f"Table: {name} differs from infra/table.json: make the two say the same"


def crate_of(function):
    """The directory under functions/ that has its code."""
    return str(function["Properties"].get("CodeUri")).removeprefix("functions/")


def check_names(functions, crates):
    for crate in sorted(crates - {crate_of(function) for function in functions.values()}):
        yield f"functions/{crate} is not deployed: add a function with CodeUri functions/{crate}"
    for logical_id, function in functions.items():
        name = crate_of(function)
        if name not in crates:
            yield f"{logical_id}: CodeUri functions/{name} is no crate: correct it, or remove the function"
        if logical_id != name.title().replace("-", ""):
            yield f"{logical_id}: call it {name.title().replace('-', '')}, after functions/{name}"
        expected = {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": name}}
        if function.get("Metadata") != expected:
            yield f"{logical_id}: Metadata must be BuildMethod rust-cargolambda and Binary {name}"


def check_authorizer(functions, resources):
    auth = resources["Api"]["Properties"].get("Auth", {})
    default = auth.get("Authorizers", {}).get(auth.get("DefaultAuthorizer"), {})
    if not {"issuer", "audience"} <= default.get("JwtConfiguration", {}).keys():
        yield "Api: DefaultAuthorizer must be a JWT authorizer with issuer and audience"
    for logical_id, function in functions.items():
        name = crate_of(function)
        events = function["Properties"].get("Events", {}).values()
        routes = [event.get("Properties", {}) for event in events if event["Type"] == "HttpApi"]
        if bool(routes) == (name in INTERNAL):
            yield f"{logical_id}: must have {'no' if routes else 'an'} HttpApi event"
        if any(event["Type"] == "Api" for event in events) or "FunctionUrlConfig" in function["Properties"]:
            yield f"{logical_id}: is reached by a way around Api: use an HttpApi event"
        for route in routes:
            if route.get("ApiId") != {"Ref": "Api"}:
                yield f"{logical_id}: the event needs ApiId: !Ref Api, else its route is on an API without authorizer"
            expected = {"Authorizer": "NONE"} if name in OPEN else None
            if route.get("Auth") != expected:
                wanted = "Auth: {Authorizer: NONE}" if name in OPEN else "no Auth of its own, so that Api's applies"
                yield f"{logical_id}: the event must have {wanted}"


def check_statement(statement):
    if statement.get("Effect") != "Allow":
        yield "only Allow statements are checked here: remove the other"
    for action in as_list(statement.get("Action")):
        if action not in ACTIONS:
            yield f"must not be allowed {action}: name one of {', '.join(sorted(ACTIONS))}"
    if statement.get("Resource") != TABLE:
        yield f"Resource must be !Sub {TABLE['Fn::Sub']} and nothing wider"
    condition = statement.get("Condition", {})
    partitions = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    if not partitions:
        yield "needs the condition ForAllValues:StringLike on dynamodb:LeadingKeys"
    for partition in as_list(partitions or []):
        if partition not in PARTITIONS:
            yield f"{partition} is no partition of docs/data-model.md: name one of {', '.join(sorted(PARTITIONS))}"
    if condition.get("Null") != {"dynamodb:LeadingKeys": "false"}:
        yield 'needs the condition "Null": {dynamodb:LeadingKeys: "false"}, else a call without keys is allowed'


def check_delivery(functions, resources):
    fed = {
        resource["Properties"]["FunctionName"]["Ref"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::EventSourceMapping"
    }
    for logical_id, function in functions.items():
        allowed = [
            statement
            for policy in as_list(function["Properties"].get("Policies", []))
            for statement in as_list(policy["Statement"])
            if statement in DELIVERY
        ]
        if allowed != (DELIVERY if logical_id in fed else []):
            wanted = "each of the statements" if logical_id in fed else "none of the statements"
            yield f"{logical_id}: must have {wanted} that DELIVERY in infra/check_template.py has"
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] not in ("HttpApi", "ScheduleV2"):
                yield f"{logical_id}: {event['Type']} events bring permissions of their own: write the resource out"


def check_policies(functions):
    for logical_id, function in functions.items():
        seen = set()
        policies = as_list(function["Properties"].get("Policies", []))
        if "Policies" not in function["Properties"] or "Role" in function["Properties"]:
            yield f"{logical_id}: say what it may do in Policies, and give it no Role"
        for policy in policies:
            if not isinstance(policy, dict) or "Statement" not in policy:
                yield f"{logical_id}: {policy} is wider than it looks: write the statements out"
                continue
            for statement in as_list(policy["Statement"]):
                if statement in DELIVERY:
                    continue
                yield from (f"{logical_id}: {error}" for error in check_statement(statement))
                for action in as_list(statement.get("Action")):
                    if action in seen:
                        yield f"{logical_id}: {action} stands in two statements: put its partitions into one"
                    seen.add(action)


class ManagedPolicies:
    """AWS's policies that SAM knows by their names."""

    def load(self):
        return {
            "AWSLambdaBasicExecutionRole": BASIC,
            "AWSXrayWriteOnlyAccess": "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess",
        }


def made_by_sam(template):
    """The template as SAM has CloudFormation deploy it, of code that is in a bucket."""
    copy = json.loads(json.dumps(template))
    for resource in copy["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://code/key"
    parameters = {name: parameter.get("Default", "") for name, parameter in copy["Parameters"].items()}
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    return transform(copy, parameters, ManagedPolicies())


def check_roles(template):
    """The roles that SAM makes may do what is written out in the template, and write logs."""
    written = [
        statement
        for resource in template["Resources"].values()
        for policy in as_list(resource.get("Properties", {}).get("Policies", []))
        if isinstance(policy, dict)
        for statement in as_list(policy.get("Statement", []))
    ]
    for logical_id, resource in made_by_sam(template)["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        role = resource["Properties"]
        for policy in role.get("ManagedPolicyArns", []):
            if policy != BASIC:
                yield f"{logical_id}: SAM gives it {policy}: find out what in the template asks for that"
        for policy in role.get("Policies", []):
            for statement in as_list(policy["PolicyDocument"]["Statement"]):
                if statement not in [*written, SCHEDULED]:
                    yield f"{logical_id}: SAM allows it {statement}: find out what in the template asks for that"


def check(root):
    template, problems = decode(str(root / "template.yaml"))
    if problems:
        return [str(problem) for problem in problems], ""
    resources = template["Resources"]
    functions = {
        logical_id: resource
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    crates = {manifest.parent.name for manifest in root.glob("functions/*/Cargo.toml")}
    elsewhere = [
        f"{logical_id}: {resource['Type']} is not looked into: give a function what it needs in its Policies"
        for logical_id, resource in resources.items()
        if resource["Type"].startswith("AWS::IAM::")
    ]
    errors = [
        *check_table(resources, json.loads((root / "infra/table.json").read_text())),
        *check_names(functions, crates),
        *check_authorizer(functions, resources),
        *check_policies(functions),
        *check_delivery(functions, resources),
        *elsewhere,
        *check_roles(template),
    ]
    return errors, f"template.yaml: {len(functions)} functions and the table are as they should be"


if __name__ == "__main__":
    errors, summary = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
    for error in errors:
        print(f"template.yaml: {error}", file=sys.stderr)
    if errors:
        sys.exit(1)
    print(summary)
