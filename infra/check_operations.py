"""Holds alarms, dashboard and parameters of template.yaml to what they can be, and to docs/OPERATIONS.md.

The metrics of the functions themselves are held to the code by tests/api/parity/metrics.rs.

Usage: check_operations.py [the repository's root]
"""

import json
import re
import sys
from pathlib import Path

from cfnlint.decode import decode

# What an account has free of charge. The next alarm, or a dashboard with one metric more, is billed while nothing happens.
FREE_ALARMS = 10
FREE_METRICS = 50
# Refusals by code are as many metrics as there are codes.
CODES = 20

# What AWS publishes, by namespace: the dimension, and the metrics that are used here.
PUBLISHED = {
    "AWS/ApiGateway": ("ApiId", {"Count", "4xx", "5xx", "Latency", "IntegrationLatency"}),
    "AWS/DynamoDB": (
        "TableName",
        {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"},
    ),
    "AWS/Lambda": (
        "FunctionName",
        {"ConcurrentExecutions", "Duration", "Errors", "Invocations", "IteratorAge", "Throttles"},
    ),
    "AWS/SQS": ("QueueName", {"ApproximateNumberOfMessagesVisible"}),
}
OWN = "Muster"

# What a missing value means: nothing happened, except where something must happen, and where what happened stays so.
MISSING = {"SweepStopped": "breaching", "DeadLettersWaiting": "ignore"}


def of_type(resources, kind):
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def check_metric(namespace, metric, dimensions):
    if namespace == OWN:
        return
    dimension, metrics = PUBLISHED.get(namespace, (None, set()))
    if metric not in metrics:
        yield f"{namespace} {metric} is not among PUBLISHED: correct it, or add it there"
    elif dimensions != [dimension]:
        yield f"{namespace} {metric} is kept by {dimension}, not by {', '.join(dimensions) or 'nothing'}"


def check_alarms(alarms):
    if len(alarms) > FREE_ALARMS:
        yield f"{len(alarms)} alarms are more than the {FREE_ALARMS} that cost nothing: take one out"
    for name, alarm in alarms.items():
        properties = alarm["Properties"]
        if alarm.get("Condition") != "SendAlarms":
            yield f"{name}: needs Condition: SendAlarms, else it is there without anybody to tell"
        if properties.get("AlarmName") != {"Fn::Sub": "${AWS::StackName}-" + name}:
            yield f"{name}: call it !Sub ${{AWS::StackName}}-{name}, so that a mail's subject leads to OPERATIONS.md"
        if not str(properties.get("AlarmDescription")).endswith(f"What to do: docs/OPERATIONS.md, {name}."):
            yield f'{name}: AlarmDescription must end with "What to do: docs/OPERATIONS.md, {name}."'
        for action in ("AlarmActions", "OKActions"):
            if properties.get(action) != [{"Ref": "Alarms"}]:
                yield f"{name}: {action} must be [!Ref Alarms]"
        missing = MISSING.get(name, "notBreaching")
        if properties.get("TreatMissingData") != missing:
            yield f"{name}: TreatMissingData must be {missing}"
        dimensions = [dimension["Name"] for dimension in properties.get("Dimensions", [])]
        metric = (properties.get("Namespace"), properties.get("MetricName"))
        yield from (f"{name}: {error}" for error in check_metric(*metric, dimensions))


def written_out(rows):
    """The metrics of a widget, each with its whole path: "." is as in the row before, "..." is all that is left out."""
    before = []
    for row in rows:
        path = [part for part in row if not isinstance(part, dict)]
        if not path:
            continue
        if path[0] == "...":
            path = before[: len(before) - len(path) + 1] + path[1:]
        before = [before[i] if part == "." and i < len(before) else part for i, part in enumerate(path)]
        yield before


def check_dashboard(name, dashboard):
    if dashboard.get("Condition") != "MakeDashboard":
        yield f"{name}: needs Condition: MakeDashboard"
    body = re.sub(r"\$\{[A-Za-z:.]+\}", "x", dashboard["Properties"]["DashboardBody"]["Fn::Sub"])
    try:
        widgets = json.loads(body)["widgets"]
    except (ValueError, KeyError) as error:
        yield f"{name}: DashboardBody is not the JSON of a dashboard: {error}"
        return
    metrics = [metric for widget in widgets for metric in written_out(widget["properties"]["metrics"])]
    for namespace, metric, *dimensions in metrics:
        yield from (f"{name}: {error}" for error in check_metric(namespace, metric, dimensions[::2]))
    if len(metrics) + CODES > FREE_METRICS:
        yield f"{name}: {len(metrics)} metrics and {CODES} codes are more than the {FREE_METRICS} that cost nothing"
    taken = {
        (x, y) for w in widgets for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])
    }
    if len(taken) != sum(widget["width"] * widget["height"] for widget in widgets):
        yield f"{name}: widgets lie over one another"


def section(text, heading):
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def check_documents(text, alarms, parameters):
    described = {
        "alarm": (set(re.findall(r"^### (\w+)$", section(text, "Alarms"), re.MULTILINE)), set(alarms)),
        "parameter": (set(re.findall(r"^\| `(\w+)` \|", section(text, "Parameters"), re.MULTILINE)), set(parameters)),
    }
    for kind, (told, there) in described.items():
        for name in sorted(there - told):
            yield f"docs/OPERATIONS.md: the {kind} {name} is not described"
        for name in sorted(told - there):
            yield f"docs/OPERATIONS.md: there is no {kind} {name}"


def check(root):
    template, problems = decode(str(root / "template.yaml"))
    if problems:
        return [str(problem) for problem in problems], ""
    alarms = of_type(template["Resources"], "AWS::CloudWatch::Alarm")
    dashboards = of_type(template["Resources"], "AWS::CloudWatch::Dashboard")
    operations = (root / "docs/OPERATIONS.md").read_text()
    errors = [
        *check_alarms(alarms),
        *(error for name, dashboard in dashboards.items() for error in check_dashboard(name, dashboard)),
        *check_documents(operations, alarms, template["Parameters"]),
    ]
    return (
        errors,
        f"docs/OPERATIONS.md: {len(alarms)} alarms and {len(template['Parameters'])} parameters are described",
    )


if __name__ == "__main__":
    errors, summary = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
    for error in errors:
        print(f"check_operations: {error}", file=sys.stderr)
    if errors:
        sys.exit(1)
    print(summary)
