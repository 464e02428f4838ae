"""What the scripts ask of AWS, answered on this machine: an account, and a table and a stack if there are any."""

import http.server
import json
import urllib.parse

from loopback import Server

IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
NO_STACK = (
    "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack does not exist</Message></Error></ErrorResponse>"
)
STACK = (
    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>muster</StackName>"
    "<StackStatus>{}</StackStatus><Outputs>{}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
)
OUTPUT = "<member><OutputKey>{}</OutputKey><OutputValue>{}</OutputValue></member>"
RESOURCES = (
    "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries/></ListStackResourcesResult>"
    "</ListStackResourcesResponse>"
)
RESOURCE = (
    "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>"
    "<PhysicalResourceId>api123</PhysicalResourceId></StackResourceDetail></DescribeStackResourceResult>"
    "</DescribeStackResourceResponse>"
)
STREAM = "arn:aws:dynamodb:eu-central-1:123456789012:table/muster-2/stream/2026-01-31T12:00:00.000"


class Aws(Server):
    """Keeps every call to the table, in order.

    `stack` is the stack's status, `outputs` its outputs. `table` is what DescribeTable says; None is no table.
    `items` are those of each table, by its name. `routes` are the API's. `readers` are the functions that the table's
    stream is handed to, with the state of that.
    """

    def __init__(self, stack=None, table=None, items=None, routes=(), readers=(), **outputs):
        self.stack, self.table, self.items, self.calls = stack, table, items or {}, []
        self.routes, self.readers = routes, readers
        self.outputs = "".join(OUTPUT.format(*output) for output in outputs.items())
        super().__init__(Answer)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        asked = urllib.parse.parse_qs(url.query)
        if url.path == "/2015-03-31/event-source-mappings":
            self.mappings(asked)
        else:
            assert url.path == "/v2/apis/api123/routes", url
            self.api_routes("nextToken" in asked)

    def mappings(self, asked):
        assert asked["EventSourceArn"] == [self.server.table["LatestStreamArn"]], asked
        arn = "arn:aws:lambda:eu-central-1:123456789012:function:"
        mappings = [{"FunctionArn": arn + name, "State": state} for name, state in self.server.readers]
        self.answer(200, json.dumps({"EventSourceMappings": mappings}))

    def api_routes(self, second):
        """The API's routes, in two pages."""
        half = len(self.server.routes) // 2
        page = self.server.routes[half:] if second else self.server.routes[:half]
        routes = [{"routeKey": key, "authorizationType": kind} for key, kind in page]
        self.answer(200, json.dumps({"items": routes} if second else {"items": routes, "nextToken": "more"}))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            self.dynamodb(target.rpartition(".")[2], json.loads(body))
        else:
            self.query(dict(urllib.parse.parse_qsl(body))["Action"])

    def query(self, action):
        stack = self.server.stack
        if action == "GetCallerIdentity":
            self.answer(200, IDENTITY)
        elif stack:
            answers = {"ListStackResources": RESOURCES, "DescribeStackResource": RESOURCE}
            self.answer(200, answers.get(action, STACK.format(stack, self.server.outputs)))
        else:
            self.answer(400, NO_STACK)

    def dynamodb(self, operation, request):
        table = self.server.table
        if operation not in ("DescribeTable", "Scan"):
            self.server.calls.append((operation, request))
        if table is None:
            self.answer(400, json.dumps({"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}))
            return
        if operation == "UpdateTable" and "StreamSpecification" in request:
            table["StreamSpecification"], table["LatestStreamArn"] = request["StreamSpecification"], STREAM
        if operation == "DeleteTable":
            self.server.table = None
        answers = {
            "DescribeTimeToLive": {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
            "Scan": self.page(request),
        }
        self.answer(200, json.dumps(answers.get(operation, {"Table": table})))

    def page(self, request):
        """Two items of a table at most, beginning where the last page ended."""
        items = self.server.items.get(request.get("TableName"), [])
        start = int(request.get("ExclusiveStartKey", {}).get("pk", {}).get("S", 0))
        found = items[start : start + min(2, request.get("Limit", 2))]
        end = start + len(found)
        more = {"LastEvaluatedKey": {"pk": {"S": str(end)}}} if end < len(items) else {}
        return {"Items": found, "Count": len(found), **more}

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass
