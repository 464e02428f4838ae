"""What CloudFormation makes of the template's parameters: which values it refuses, which conditions they meet."""

import re


def allowed(parameter, value):
    """Whether a parameter may have this value, whatever the others are."""
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        return False
    if not re.search(parameter.get("AllowedPattern", ""), value):
        return False
    if parameter["Type"] == "Number":
        return value.isdecimal() and int(value) >= parameter.get("MinValue", 0)
    return True


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
        raise ValueError(f"{function} is not worked out here: add it to infra/parameters.py")

    def condition(self, name):
        return self.value(self.template["Conditions"][name])

    def refused(self):
        """Why CloudFormation refuses these values."""
        for name in self.values.keys() - self.template["Parameters"].keys():
            yield f"{name} is no parameter"
        for name, parameter in self.template["Parameters"].items():
            value = self.values[name]
            if not allowed(parameter, value):
                described = parameter.get("ConstraintDescription") or f"is not: {parameter['Description']}"
                yield f'{name} = "{value}" {described}'
        for rule in self.template.get("Rules", {}).values():
            if self.value(rule.get("RuleCondition", {"Fn::And": []})):
                for assertion in rule["Assertions"]:
                    if not self.value(assertion["Assert"]):
                        yield assertion["AssertDescription"]

    def made(self):
        """The resources that there are."""
        for name, resource in self.template["Resources"].items():
            if "Condition" not in resource or self.condition(resource["Condition"]):
                yield name, resource
