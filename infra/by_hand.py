"""Tells from template.yaml what docs/deploy-by-hand.md sets up without it, so that the two cannot differ.

Usage: by_hand.py routes
       by_hand.py access-log
       by_hand.py policy FUNCTION --account ID --region REGION [--table NAME] [--partition aws]
"""

import argparse
import json
import re
import sys

import yaml

import template_file


def resources():
    try:
        return template_file.read()["Resources"]
    except yaml.YAMLError as error:
        sys.exit(f"by_hand: {' '.join(str(error).split())}")


def functions():
    """The functions, by the names of their crates."""
    properties = (
        resource["Properties"] for resource in resources().values() if resource["Type"] == "AWS::Serverless::Function"
    )
    return {each["CodeUri"].removeprefix("functions/"): each for each in properties}


def routes():
    """A line for each: the function, what it answers, whether a JWT is asked for first, and whence it is called."""
    for name, function in functions().items():
        for event in function["Events"].values():
            if event["Type"] == "HttpApi":
                call = event["Properties"]
                open_to_all = call.get("Auth", {}).get("Authorizer") == "NONE"
                asked = "NONE" if open_to_all else "JWT"
                source = call["Method"] + re.sub(r"\{[^}]*\}", "*", call["Path"])
                yield f"{name}\t{call['Method']} {call['Path']}\t{asked}\t{source}"


def arn(resource, table, queue):
    """What a policy of the template names: the table or its streams by the table's name, or the queue."""
    if "Fn::Sub" in resource:
        return f"{table}{resource['Fn::Sub'].partition('${TableName}')[2]}"
    return queue


def policy(arguments):
    """The policy of a function's role: what the template lets it do, in this account, and its own log."""
    found = functions()
    if arguments.function not in found:
        sys.exit(f"by_hand: there is no function {arguments.function}; there are {', '.join(sorted(found))}")
    where = f"{arguments.region}:{arguments.account}"
    table = f"arn:{arguments.partition}:dynamodb:{where}:table/{arguments.table}"
    group = f"arn:{arguments.partition}:logs:{where}:log-group:/aws/lambda/{arguments.function}"
    queue = f"arn:{arguments.partition}:sqs:{where}:{arguments.table}-dead-letters"
    statements = [
        {**statement, "Resource": arn(statement["Resource"], table, queue)}
        for policy in found[arguments.function]["Policies"]
        for statement in policy["Statement"]
    ]
    log = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": f"{group}:*"}
    return {"Version": "2012-10-17", "Statement": [*statements, log]}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("routes")
    commands.add_parser("access-log")
    of = commands.add_parser("policy")
    of.add_argument("function")
    of.add_argument("--account", required=True)
    of.add_argument("--region", required=True)
    of.add_argument("--table", default="muster")
    of.add_argument("--partition", default="aws")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    if arguments.command == "routes":
        print("\n".join(routes()))
    elif arguments.command == "access-log":
        print(resources()["Api"]["Properties"]["AccessLogSettings"]["Format"])
    else:
        print(json.dumps(policy(arguments), indent=2))
