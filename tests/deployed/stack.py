"""template.yaml in the emulator: deployed, updated and deleted with SAM's own commands."""

import json
import platform
import sys
from pathlib import Path

import boto3
from cfnlint.decode import decode

from programs import Failed, logged
from workplace import ROOT, TARGET

NAME = "muster"
BUCKET = "muster-code"
FUNCTION = "AWS::Serverless::Function"


def functions(template):
    """The functions by the directory of their code."""
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] == FUNCTION:
            found[resource["Properties"]["CodeUri"].removeprefix("functions/")] = resource
    return found


def read(path):
    template, problems = decode(str(path))
    if problems:
        raise Failed(f"{path} can't be read: {problems[0]}")
    return template


class Stack:
    def __init__(self, place, issuer, name=NAME):
        self.name = name
        self.work, self.log = place.path, place.logs / "sam.log"
        self.parameters = {
            "JwtIssuer": issuer,
            "JwtAudience": "muster",
            "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
        }

    def sam(self, *arguments):
        logged(self.log, [Path(sys.prefix) / "bin" / "sam", *arguments])

    def deploy(self):
        """Deploys what `cargo lambda build` has built."""
        template = read(ROOT / "template.yaml")
        for name, function in functions(template).items():
            del function["Metadata"]
            function["Properties"]["CodeUri"] = str(TARGET / "lambda" / name)
        # The issuer of the test speaks plain HTTP.
        del template["Parameters"]["JwtIssuer"]["AllowedPattern"]
        boto3.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": boto3.session.Session().region_name}
        )
        self.put(template)

    def replace_code(self, function, directory):
        """Updates the stack to other code of one function."""
        template = json.loads((self.work / "packaged.json").read_text())
        template["Resources"][function]["Properties"]["CodeUri"] = str(directory)
        self.put(template)

    def put(self, template):
        built, packaged = self.work / "built.json", self.work / "packaged.json"
        built.write_text(json.dumps(template))
        code = ["--s3-bucket", BUCKET, "--no-progressbar"]
        self.sam("package", "--template-file", built, "--output-template-file", packaged, "--use-json", *code)
        self.sam(
            *["deploy", "--template-file", packaged, "--stack-name", self.name, *code],
            *["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--parameter-overrides"],
            *[f"{name}={value}" for name, value in self.parameters.items()],
        )

    def delete(self):
        self.sam("delete", "--stack-name", self.name, "--no-prompts", "--region", boto3.session.Session().region_name)

    def outputs(self):
        (stack,) = boto3.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resources(self):
        """What the stack has, by its logical id: type and physical id."""
        pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return {one["LogicalResourceId"]: (one["ResourceType"], one["PhysicalResourceId"]) for one in listed}
