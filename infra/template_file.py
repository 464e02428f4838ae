"""Reads template.yaml, as quickly as it can be: cfn-lint reads it with its places, and takes a second to load alone."""

from pathlib import Path

import yaml

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads `!Sub` and its like as `Fn::Sub`."""


def function(loader, name, node):
    key = name if name in ("Ref", "Condition") else f"Fn::{name}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {key: value.split(".", 1) if name == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {key: loader.construct_sequence(node, deep=True)}
    return {key: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", function)


def read():
    """The template, or yaml.YAMLError. What cfn-lint finds wrong in it besides, `make template` tells."""
    with TEMPLATE.open("rb") as file:
        return yaml.load(file, Loader)
