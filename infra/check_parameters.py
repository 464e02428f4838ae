"""Works out what template.yaml makes of its parameters: what it refuses, what it makes unasked, and for whom.

Usage: check_parameters.py [the repository's root]
"""

import sys
from pathlib import Path

from cfnlint.decode import decode

# Is billed by the month, used or not, beyond what an account has free of charge.
BILLED = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::SNS::Topic",
    "AWS::Cognito::UserPoolResourceServer",
}

OWN_ISSUER = {"JwtIssuer": "https://issuer.example.com", "JwtAudience": "muster"}


class Stack:
    """The template with its parameters set to values."""

    def __init__(self, template, values):
        self.template = template
        defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
        self.values = {**defaults, **values}

    def value(self, said):
        """What CloudFormation takes an expression of a condition or a rule for."""
        if not isinstance(said, dict):
            return str(said)
        ((function, argument),) = said.items()
        if function == "Ref":
            return self.values[argument]
        if function == "Condition":
            return self.condition(argument)
        operands = [self.value(each) for each in argument]
        if function == "Fn::Equals":
            return operands[0] == operands[1]
        if function == "Fn::Not":
            return not operands[0]
        if function == "Fn::And":
            return all(operands)
        if function == "Fn::Or":
            return any(operands)
        raise ValueError(f"{function} is not worked out here: add it to infra/check_parameters.py")

    def condition(self, name):
        return self.value(self.template["Conditions"][name])

    def refused(self):
        """The rules that do not hold."""
        for name, rule in self.template.get("Rules", {}).items():
            if self.value(rule.get("RuleCondition", {"Fn::And": []})):
                if not all(self.value(assertion["Assert"]) for assertion in rule["Assertions"]):
                    yield name

    def made(self):
        """The resources that there are."""
        for name, resource in self.template["Resources"].items():
            if "Condition" not in resource or self.condition(resource["Condition"]):
                yield name, resource


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
