"""ministack, with a bridge over each thing that it does not do and the tests need. Everything else is its own.

Usage: emulator.py [bridged]; the environment says the rest, as ministack's documentation has it.
"""

import contextvars
import json
import sys

import samtranslator.translator.transform as sam
from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import apigateway, eventbridge

import http_api

# A schedule's minutes pass in seconds: nobody waits for them.
HASTE = 30


def openapi_bodies():
    """Routes, integrations and authorizers are read out of an API's OpenAPI body."""
    transform = sam.transform
    sam.transform = lambda *arguments, **named: http_api.expand(transform(*arguments, **named))


def request_ids():
    """The id in the event of a request goes out with the answer, as apigw-requestid."""
    new_uuid, invoke = apigateway.new_uuid, apigateway._invoke_lambda_proxy
    current = contextvars.ContextVar("request id", default=None)
    apigateway.new_uuid = lambda: current.get() or new_uuid()

    async def invoke_with_id(*arguments, **named):
        token = current.set(new_uuid())
        try:
            status, headers, body = await invoke(*arguments, **named)
            return status, {**headers, "apigw-requestid": current.get()}, body
        finally:
            current.reset(token)

    apigateway._invoke_lambda_proxy = invoke_with_id


def forwarded_headers():
    """A function is told how and from where a request came in."""
    invoke = apigateway._invoke_lambda_proxy

    async def invoke_with_headers(integration, api, stage, path, method, headers, *arguments, **named):
        port = headers.get("host", "").rpartition(":")[2]
        came = {"x-forwarded-for": "127.0.0.1", "x-forwarded-port": port, "x-forwarded-proto": "http"}
        return await invoke(integration, api, stage, path, method, headers | came, *arguments, **named)

    apigateway._invoke_lambda_proxy = invoke_with_headers


def challenges():
    """Whoever is not let in is told what to bring."""
    refuse = apigateway._jwt_unauthorized

    def refuse_with_challenge(*arguments):
        status, headers, body = refuse(*arguments)
        return status, {**headers, "www-authenticate": "Bearer"}, body

    apigateway._jwt_unauthorized = refuse_with_challenge


def empty_answers():
    """An answer of nothing is of no type, unless the function says so."""
    invoke = apigateway._invoke_lambda_proxy

    async def invoke_and_look(*arguments, **named):
        status, headers, body = await invoke(*arguments, **named)
        return status, headers if body else {k: v for k, v in headers.items() if k != "Content-Type"}, body

    apigateway._invoke_lambda_proxy = invoke_and_look


def quick_schedules():
    """A rate's minutes pass as seconds do."""
    parse = eventbridge._parse_rate_seconds
    eventbridge._parse_rate_seconds = lambda expression: (parse(expression) or 0) / HASTE or None


class Keyed(str):
    """The ARN of a table, and the partitions of it that an action is about."""

    partitions = ()


def leading_keys():
    """Policies see which partitions a call is about: the condition key dynamodb:LeadingKeys."""
    context, checks, enforce = (
        iam_actions.dynamodb_service_context,
        iam_actions.dynamodb_transaction_checks,
        iam_evaluator.enforce,
    )

    def with_keys(keys, partitions):
        return {**keys, "dynamodb:leadingkeys": partitions} if partitions else keys

    def context_of_call(body):
        return with_keys(context(body), partitions_of(json.loads(body or b"{}")))

    def checks_of_transaction(action, body, region, account):
        for item in json.loads(body or b"{}").get("TransactItems", []):
            one = json.dumps({"TransactItems": [item]}).encode()
            for item_action, arn in checks(action, one, region, account):
                keyed = Keyed(arn)
                keyed.partitions = [p for request in item.values() for p in partitions_of(request)]
                yield item_action, keyed

    def enforce_with_keys(*arguments, **named):
        partitions = list(getattr(named.get("resource_arn"), "partitions", ()))
        named["service_context"] = with_keys(named.get("service_context") or {}, partitions)
        return enforce(*arguments, **named)

    iam_actions.dynamodb_service_context = context_of_call
    iam_actions.dynamodb_transaction_checks = lambda *arguments: list(checks_of_transaction(*arguments))
    iam_evaluator.enforce = enforce_with_keys


def partitions_of(request):
    """The values of the partition key that a request names."""
    keys = [request.get("Key"), request.get("Item")]
    for table in request.get("RequestItems", {}).values():
        keys += table["Keys"] if isinstance(table, dict) else []
    found = [key["pk"]["S"] for key in keys if key]
    condition = request.get("KeyConditionExpression", "")
    if condition.startswith("pk = :"):
        name = condition.removeprefix("pk = ").split(" ")[0]
        found.append(request["ExpressionAttributeValues"][name]["S"])
    return found


BRIDGES = [
    openapi_bodies,
    request_ids,
    forwarded_headers,
    challenges,
    empty_answers,
    quick_schedules,
    leading_keys,
]

if __name__ == "__main__":
    if sys.argv[1:] == ["bridged"]:
        for bridge in BRIDGES:
            bridge()
    sys.argv = sys.argv[:1]
    app.main()
