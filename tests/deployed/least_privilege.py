"""Every function without one of its actions, for each of them: what it is for must then fail, and succeed again with
it."""

import copy
import json
import secrets
import time
from urllib.parse import quote

import boto3

from api import Device, ServerError
from programs import Failed


def unique(name):
    return f"{name}-{secrets.token_hex(4)}"


def members(team):
    for role in ("member", "owner"):
        team.welcomes(role)


def roles(team):
    bob = team.welcomes("member")
    membership = next(
        member["membership_id"]
        for member in team.call(200, "GET", "/members?limit=100")["members"]
        if member["email"] == bob.who.email
    )
    for member, role in ((quote(bob.who.email), "owner"), (membership, "admin")):
        team.call(200, "PATCH", f"/members/{member}", {"role": role})


def removals(team):
    for role in ("member", "owner"):
        bob = team.welcomes(role)
        listed = team.call(200, "GET", "/members?limit=100")["members"]
        membership = next(member["membership_id"] for member in listed if member["email"] == bob.who.email)
        team.call(202, "DELETE", f"/members/{membership}")
        team.call(202, "DELETE", f"/members/{membership}")


def registrations(team):
    for max_uses in (5, None):
        host, token, other = unique("web"), team.token(max_uses)["token"], team.token(max_uses)["token"]
        for status, plaintext, system in ((201, token, "one"), (200, token, "two"), (200, other, "two")):
            team.api.register(status, plaintext, host, os=system)


def exhaustion(team):
    token = team.token(1)["token"]
    team.api.register(201, token, unique("first"))
    team.api.register(403, token, unique("second"))


def revocations(team):
    for max_uses in (5, None):
        token = team.token(max_uses)
        for _ in range(2):
            team.call(200, "DELETE", f"/registration-tokens/{token['id']}")
        nothing_left_of(team, token)


def nothing_left_of(team, token):
    """Putting away the gates of a revoked token is tried once, and fails in silence."""
    key = {":partition": {"S": f"TEAM#{team.id}#GATES#0"}, ":gates": {"S": f"GATE#{token['id']}#"}}
    left = boto3.client("dynamodb").query(
        TableName=physical("Table"),
        KeyConditionExpression="pk = :partition AND begins_with(sk, :gates)",
        ExpressionAttributeValues=key,
    )
    if left["Count"]:
        raise ServerError(f"{token['id']} is revoked and has gates")


def tokens_one_by_one(team):
    for max_uses in (5, None):
        team.call(200, "GET", f"/registration-tokens/{team.token(max_uses)['id']}")


def removed_nodes(team):
    host = unique("gone")
    team.api.register(201, team.token()["token"], host)
    team.call(204, "DELETE", f"/nodes/{host}")


def heartbeats(team):
    device = Device(team, unique("laptop"))
    for _ in range(2):
        device.speaks(200, "POST", "/heartbeat", {"os": "Debian GNU/Linux 12 (bookworm)"})


def leaving(team):
    device = Device(team, unique("laptop"))
    device.speaks(204, "DELETE")


def cascade(team):
    """A removal as the API makes it, swept until nothing more is to be looked for, and one by other hands than the
    API's."""
    bob = team.welcomes("admin")
    tokens = [bob.token(max_uses) for max_uses in (5, None)]
    for token in tokens:
        team.api.register(201, token["token"], unique("bobs"))
    membership = team.removes(bob)["membership_id"]
    invoke({"sweep": "unfinished-removals"})
    for token in tokens:
        nothing_left_of(team, token)
    table = boto3.client("dynamodb")
    table.update_item(
        TableName=physical("Table"),
        Key={"pk": {"S": f"TEAM#{team.id}"}, "sk": {"S": f"REMOVAL#{membership}"}},
        UpdateExpression="SET clean_since = :then, completed_at = :then",
        ExpressionAttributeValues={":then": {"N": str(int(time.time()) - 2 * 3600)}},
    )
    invoke({"sweep": "unfinished-removals"})
    carol = team.welcomes("admin")
    key = {"pk": {"S": f"TEAM#{team.id}"}, "sk": {"S": f"MEMBER#{carol.who.email}"}}
    item = table.delete_item(TableName=physical("Table"), Key=key, ReturnValues="ALL_OLD")["Attributes"]
    change = {"Keys": key, "OldImage": item, "SequenceNumber": "1"}
    if invoke({"Records": [{"eventName": "REMOVE", "dynamodb": change}]})["batchItemFailures"]:
        raise ServerError("the removal is not swept")


STORIES = {
    "CreateTeam": lambda team: team.who.makes_a_team(),
    "ListTeams": lambda team: team.who.call(200, "GET", "/api/teams?limit=1"),
    "ListMembers": lambda team: team.call(200, "GET", "/members?limit=1"),
    "AddMember": members,
    "SetRole": roles,
    "RemoveMember": removals,
    "ListRemovals": lambda team: team.call(200, "GET", "/removals?limit=1"),
    "CreateToken": lambda team: (team.token(5), team.token()),
    "ListTokens": lambda team: team.call(200, "GET", "/registration-tokens"),
    "GetToken": tokens_one_by_one,
    "RevokeToken": revocations,
    "SelfEnroll": lambda team: team.call(201, "POST", "/self-enroll", {}),
    "RegisterNode": lambda team: (registrations(team), exhaustion(team)),
    "ListNodes": lambda team: team.call(200, "GET", "/nodes?kind=server&limit=1"),
    "RemoveNode": removed_nodes,
    # It may do nothing, and needs nothing.
    "DescribeSignIn": lambda team: team.api.call(200, "GET", "/.well-known/oauth-protected-resource"),
    "ListGroups": lambda team: team.call(200, "GET", "/groups?limit=1"),
    "RecordHeartbeat": heartbeats,
    "GetOwnNode": lambda team: Device(team, unique("laptop")).speaks(200, "GET"),
    "LeaveTeam": leaving,
    "MemberCascade": cascade,
}


def physical(logical_id):
    stack = boto3.client("cloudformation").describe_stack_resource(StackName="muster", LogicalResourceId=logical_id)
    return stack["StackResourceDetail"]["PhysicalResourceId"]


def invoke(event):
    """What member-cascade answers."""
    done = boto3.client("lambda").invoke(FunctionName=physical("MemberCascade"), Payload=json.dumps(event))
    if "FunctionError" in done:
        raise ServerError(f"member-cascade: {done['FunctionError']}")
    return json.loads(done["Payload"].read())


class Policy:
    """An inline policy of a function's role."""

    def __init__(self, role, name):
        self.iam = boto3.client("iam")
        self.of = {"RoleName": role, "PolicyName": name}
        self.document = self.iam.get_role_policy(**self.of)["PolicyDocument"]

    def actions(self):
        """Those on the table, held to its partitions. What Lambda does in a function's name, the emulator does unasked."""
        for statement in self.document["Statement"]:
            if "Condition" in statement:
                yield from as_list(statement["Action"])

    def put(self, document):
        self.iam.put_role_policy(**self.of, PolicyDocument=json.dumps(document))

    def put_without(self, action):
        document = copy.deepcopy(self.document)
        for statement in document["Statement"]:
            statement["Action"] = [one for one in as_list(statement["Action"]) if one != action]
        document["Statement"] = [statement for statement in document["Statement"] if statement["Action"]]
        if document["Statement"]:
            self.put(document)
        else:
            self.iam.delete_role_policy(**self.of)


def as_list(value):
    return value if isinstance(value, list) else [value]


def policies(function):
    """The policies of a function that name actions on the table."""
    iam, role = boto3.client("iam"), physical(f"{function}Role")
    found = [Policy(role, name) for name in iam.list_role_policies(RoleName=role)["PolicyNames"]]
    return [policy for policy in found if any(policy.actions())]


def must_succeed(function, story, team, when):
    try:
        story(team)
    except ServerError as error:
        raise Failed(f"{function} fails {when}: {error}") from None


def check(api, functions):
    """Takes every action from every function, one at a time. Says how many there were."""
    if missing := set(functions) - STORIES.keys():
        raise Failed(f"tests/deployed/least_privilege.py has no story of {', '.join(sorted(missing))}")
    team = api.sign_in().makes_a_team()
    survived, pairs = set(), 0
    for function in functions:
        story = STORIES[function]
        must_succeed(function, story, team, "as it is deployed")
        for policy in policies(function):
            for action in policy.actions():
                pairs += 1
                policy.put_without(action)
                try:
                    story(team)
                    survived.add(f"{function}'s {action}")
                except ServerError:
                    pass
                finally:
                    policy.put(policy.document)
                # Else nothing would tell a missing action from a function that fails whatever it may do.
                must_succeed(function, story, team, f"with {action} given back")
    if survived:
        raise Failed(f"nobody misses it: {', '.join(sorted(survived))}")
    return pairs
