"""Makes docs/API.md of infra/openapi.yaml.

Usage: api_docs.py [--check]    (--check: writes nothing, and fails if the page is not up to date)
"""

import json
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "infra/openapi.yaml"
PAGE = ROOT / "docs/API.md"
WIDTH = 120
NULL = {"type": "null"}


class Document:
    def __init__(self, content):
        self.content = content
        self.schemas = content["components"]["schemas"]

    def operations(self):
        for path, item in self.content["paths"].items():
            for method, operation in item.items():
                if method != "parameters":
                    yield f"{method.upper()} {path}", operation

    def resolve(self, value):
        """What a reference stands for; what stands beside it goes first."""
        while "$ref" in value:
            found = self.content
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = {**found, **{name: inner for name, inner in value.items() if name != "$ref"}}
        return value

    def codes(self, operation):
        """The codes of an operation's problems, each with its status."""
        codes = {}
        for status, response in operation["responses"].items():
            problem = self.resolve(response).get("content", {}).get("application/problem+json")
            if problem:
                codes.update(dict.fromkeys(problem["schema"]["properties"]["code"]["enum"], status))
        return codes


# ---- Schemas in words


def listed(values, last):
    """`a`, `b` and `c`."""
    *others, final = [f"`{value}`" for value in values]
    return f"{', '.join(others)} {last} {final}" if others else final


def between(schema, least, most, default=0):
    low, high = schema.get(least, default), schema.get(most)
    if high is None:
        return None
    return f"{low:,} to {high:,}" if low else f"at most {high:,}"


def own_words(document, schema):
    """What a schema's keywords say."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "enum" in schema:
        yield listed(schema["enum"], "or")
    elif "string" in kinds:
        if length := between(schema, "minLength", "maxLength"):
            yield f"{length} characters"
    elif "integer" in kinds:
        yield f"a whole number from {between(schema, 'minimum', 'maximum')}"
    elif "array" in kinds:
        count = between(schema, "minItems", "maxItems")
        yield f"a list of {count}, each {words(document, schema['items'])}"
    elif "object" in kinds:
        yield "a JSON object"
    if "default" in schema:
        yield f"`{schema['default']}` if left out"


def words(document, schema):
    """What a value must be, in words; what a field of it is for, its own description says."""
    said = []
    if "$ref" in schema:
        named = document.resolve({"$ref": schema["$ref"]})
        said.extend([words(document, named), prose(named)])
    variants = schema.get("anyOf", [])
    if NULL in variants:
        # Of a field that may be left out, null says no more.
        said.extend(words(document, variant) for variant in variants if variant != NULL)
    said.extend(own_words(document, schema))
    return ", ".join(filter(None, said))


def prose(described):
    return " ".join(described.get("description", "").split())


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


# ---- Parts of the page


def json_block(value):
    """An object in few lines, broken between its members."""
    lines = [""]
    members = [f"{json.dumps(name)}: {json.dumps(inner, ensure_ascii=False)}" for name, inner in value.items()]
    for member in members:
        if len(f"{lines[-1]} {member},") > WIDTH and lines[-1]:
            lines.append("")
        lines[-1] += f" {member},"
    body = "\n".join(lines).strip().removesuffix(",")
    return ["```json", "{" + body + "}", "```", ""]


def request_fields(document, schema):
    """The table of a body; where there are ways to fill it in, their fields in one."""
    schema = document.resolve(schema)
    variants = schema.get("oneOf", [schema])
    fields = {}
    for variant in variants:
        for name, field in variant["properties"].items():
            if field != NULL:
                fields.setdefault(name, field)
    rows = []
    for name, field in fields.items():
        required = [name in variant.get("required", []) for variant in variants]
        others = [
            f"`{other}`"
            for other in fields
            if other != name and not all(other in variant.get("required", []) for variant in variants)
        ]
        need = "required" if all(required) else f"this or {' or '.join(others)}" if any(required) else "optional"
        rows.append((f"`{name}`", need, "; ".join(filter(None, [words(document, field), prose(field)]))))
    return table(("field", "", ""), rows)


def shape(schema):
    members = schema["properties"].items()
    inside = ", ".join(f'"{name}": {"[…]" if member.get("type") == "array" else "…"}' for name, member in members)
    return f"`{{{inside}}}`"


def answers(document, operation):
    said = []
    for status, response in operation["responses"].items():
        if not status.startswith("2"):
            continue
        text = document.resolve(response)["description"].strip()
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        text = f"{text[0].lower()}{text[1:]}"
        said.append(f"`{status}`: {text[:-1]}, {shape(schema)}." if "properties" in schema else f"`{status}`: {text}")
    return " ".join(said)


def entities(document, operations):
    """The things that the answers of some operations show, each with its first example."""
    found = {}
    for _, operation in operations:
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/json", {})
            reference = content.get("schema", {}).get("$ref")
            if status.startswith("2") and reference:
                found.setdefault(reference.split("/")[-1], content["example"])
    # What has more than another comes beside that one.
    for name, example in list(found.items()):
        if base := document.schemas[name].get("$ref"):
            found.setdefault(base.split("/")[-1], example)
    return {name: found[name] for name in document.schemas if name in found}


def entity(document, name, example):
    schema = document.schemas[name]
    members = schema["properties"]
    yield f"{schema['title']}:"
    yield ""
    yield from json_block({member: example[member] for member in members})
    told = [(f"`{member}`", prose(field)) for member, field in members.items() if "description" in field]
    if told:
        yield from table(("member", ""), told)


def section(document, route, operation, common):
    # What has a heading of its own is long, and comes after the tables.
    head, heading, rest = operation.get("description", "").partition("####")
    yield f"### `{route}`"
    yield ""
    yield f"{operation['summary'][0].upper()}{operation['summary'][1:]}. For: {operation['x-who']}."
    yield ""
    if head:
        yield head.strip()
        yield ""
    parameters = [document.resolve(parameter) for parameter in operation.get("parameters", [])]
    if parameters:
        rows = []
        for parameter in parameters:
            where = "" if parameter["in"] == "query" else f"in the {parameter['in']}; "
            text = f"{where}{prose(parameter)}: {words(document, parameter['schema'])}"
            rows.append((f"`{parameter['name']}`", text))
        yield from table(("parameter", ""), rows)
    if "requestBody" in operation:
        yield from request_fields(document, operation["requestBody"]["content"]["application/json"]["schema"])
    codes = [f"`{code}`" for code in document.codes(operation) if code not in common]
    yield answers(document, operation) + (f" Codes: {', '.join(codes)}." if codes else "")
    yield ""
    if rest:
        yield heading + rest


def problems(document, everywhere, signed_in):
    code = document.schemas["Code"]
    statuses = {}
    for _, operation in document.operations():
        statuses.update(document.codes(operation))
    yield "## Problems"
    yield ""
    yield "Whatever reaches a function and fails is answered with `application/problem+json` (RFC 9457):"
    yield ""
    yield from json_block(document.schemas["Problem"]["examples"][0])
    yield document.schemas["Problem"]["description"]
    told = code["x-codes"].items()
    rows = [(statuses[name], f"`{name}`", about["final"], about["when"]) for name, about in told]
    yield from table(("status", "code", "final", "when"), rows)
    yield (
        f"Each call below lists its codes. Besides those, any call may answer {listed(everywhere, 'and')}, "
        f"and any call with a JWT {listed(signed_in, 'and')}."
    )
    yield ""
    yield document.schemas["GatewayMessage"]["description"]
    yield "### What to try again"
    yield ""
    yield code["description"]


def page(document):
    operations = list(document.operations())
    # Where nobody is asked for, nothing is looked up.
    codes = [set(document.codes(operation)) for _, operation in operations if operation.get("security") != []]
    with_jwt = [set(document.codes(operation)) for _, operation in operations if "security" not in operation]
    order = document.schemas["Code"]["enum"]
    everywhere = [code for code in order if code in set.intersection(*codes)]
    signed_in = [code for code in order if code in set.intersection(*with_jwt) and code not in everywhere]

    yield "<!-- Made by `make docs` of infra/openapi.yaml: change that. -->"
    yield ""
    yield "# API"
    yield ""
    yield document.content["info"]["description"]
    yield "## All calls"
    yield ""
    rows = [(f"[`{route}`]({anchor(route)})", call["summary"], call["x-who"]) for route, call in operations]
    yield from table(("call", "what it does", "who"), rows)
    yield from problems(document, everywhere, signed_in)
    for tag in document.content["tags"]:
        mine = [(route, operation) for route, operation in operations if tag["name"] in operation["tags"]]
        yield f"## {tag['name']}"
        yield ""
        if "description" in tag:
            yield tag["description"]
        for name, example in entities(document, mine).items():
            yield from entity(document, name, example)
        for route, operation in mine:
            common = (
                [*everywhere, *signed_in]
                if "security" not in operation
                else everywhere
                if operation["security"]
                else []
            )
            yield from section(document, route, operation, common)


def anchor(heading):
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " _-")
    return "#" + kept.replace(" ", "-")


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__.strip())
    document = Document(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))
    text = "\n".join(page(document)).rstrip() + "\n"
    if not arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/API.md is not what infra/openapi.yaml makes of it: run `make docs`")


if __name__ == "__main__":
    main(sys.argv[1:])
