"""Works out what template.yaml makes of its parameters: what it refuses, what it makes unasked, and for whom.

Usage: check_parameters.py [the repository's root]
"""

import sys
from pathlib import Path

from cfnlint.decode import decode

from parameters import Stack

# Is billed by the month, used or not, beyond what an account has free of charge.
BILLED = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::SNS::Topic",
    "AWS::Cognito::UserPoolResourceServer",
}

OWN_ISSUER = {"JwtIssuer": "https://issuer.example.com", "JwtAudience": "muster"}


def check_rules(template):
    cases = [
        ({}, False),
        (OWN_ISSUER, False),
        ({"JwtIssuer": OWN_ISSUER["JwtIssuer"]}, True),
        ({"JwtAudience": OWN_ISSUER["JwtAudience"]}, True),
    ]
    for values, wanted in cases:
        if bool(list(Stack(template, values).refused())) != wanted:
            yield f"Rules: {values or 'the defaults'} must be {'refused' if wanted else 'let through'}"
    for name, rule in template.get("Rules", {}).items():
        for assertion in rule["Assertions"]:
            if not assertion.get("AssertDescription"):
                yield f"Rules: {name} must say in AssertDescription what to do"


def check_idle(template):
    """Nothing that is billed by the month is made unasked."""
    for values in ({}, OWN_ISSUER):
        stack = Stack(template, values)
        for name, resource in stack.made():
            machine = resource["Type"] == "AWS::Cognito::UserPoolClient" and "client_credentials" in resource[
                "Properties"
            ].get("AllowedOAuthFlows", [])
            if resource["Type"] in BILLED or machine:
                yield f"{name}: is billed while nothing happens: put a Condition on it that the defaults do not meet"
        if stack.condition("WarmUp"):
            yield "WarmUp: the defaults must warm nothing up, for it is charged"
        if stack.values["Tracing"] != "Disabled":
            yield "Tracing: must be Disabled unless asked for"


def check_sign_in(template):
    """A user pool is made for whoever has no issuer, and is one that a stranger gets nothing out of."""
    if template["Globals"]["Function"].get("Tracing") != {"Ref": "Tracing"}:
        yield "Globals: Tracing must be !Ref Tracing: of anything else, SAM gives each role the permission for good"
    kinds = {resource["Type"] for _, resource in Stack(template, OWN_ISSUER).made()}
    for kind in sorted(kind for kind in kinds if kind.startswith("AWS::Cognito::")):
        yield f"{kind} must not be made beside an issuer of one's own"
    made = {name: resource["Properties"] for name, resource in Stack(template, {}).made()}
    people, pool = made.get("PeopleClient", {}), made.get("UserPool", {})
    wanted = {
        "GenerateSecret": False,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "email"],
        "PreventUserExistenceErrors": "ENABLED",
        "ReadAttributes": ["email", "email_verified"],
    }
    for name, value in wanted.items():
        if people.get(name) != value:
            yield f"PeopleClient: {name} must be {value}"
    if pool.get("UsernameAttributes") != ["email"] or pool.get("AutoVerifiedAttributes") != ["email"]:
        yield "UserPool: the name to sign in with must be a verified e-mail address, for that is who one is"
    if pool.get("UserAttributeUpdateSettings") != {"AttributesRequireVerificationBeforeUpdate": ["email"]}:
        yield "UserPool: a new address must be verified before it counts"
    if Stack(template, {}).condition("LetAnybodySignUp"):
        yield "SelfSignUp: must be no unless asked for"
    callback = {"Callback": {"Fn::Select": [0, {"Ref": "CallbackUrls"}]}}
    if template["Outputs"]["SignIn"]["Value"]["Fn::If"][1]["Fn::Sub"][1:] != [callback]:
        yield "Outputs: SignIn must have the pool's people come back to the first of CallbackUrls"
    protocol = template["Parameters"]["CallbackUrls"]["Default"]
    if not protocol.startswith("http://localhost:"):
        yield "CallbackUrls: the default must be a port of the caller's own machine"


def check(root):
    template, problems = decode(str(root / "template.yaml"))
    if problems:
        return [str(problem) for problem in problems]
    return [*check_rules(template), *check_idle(template), *check_sign_in(template)]


if __name__ == "__main__":
    errors = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
    for error in errors:
        print(f"template.yaml: {error}", file=sys.stderr)
    if errors:
        sys.exit(1)
    print("template.yaml: its parameters refuse, make and cost what they should")
