"""Tells what a restored table has alive that the table it was restored from had ended, and what to do about each.

It reads both tables from end to end, changes nothing, and holds what counts of each item in memory.

Usage: compare_tables.py OLD NEW [--region REGION]
"""

import argparse
import sys
from collections import Counter

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from stack import Refusal, explained

# What tells that something has ended, or who has it. docs/data-model.md has all of it.
ATTRIBUTES = ["pk", "sk", "gate", "id", "membership", "node", "private_ip", "public_key", "revocation", "role", "token"]


def team_of(pk):
    return pk.split("#")[1]


def keyed(items, kind):
    """The items of a kind, by team and by what the sort key has beside the kind."""
    return {
        (team_of(pk), sk.removeprefix(kind)): item
        for (pk, sk), item in items.items()
        if sk.startswith(kind) and pk.startswith("TEAM#")
    }


def gates(items):
    """All gates of each token: the one in the token itself, or those that are items."""
    found = {}
    for (pk, sk), item in items.items():
        if pk.startswith("TEAM#") and sk.startswith(("TOKEN#", "GATE#")) and "count" not in item.get("gate", {"count"}):
            token = item.get("token", item.get("id"))
            found.setdefault((team_of(pk), token), {})[sk] = item["gate"]
    return found


def compare_members(old, new):
    before, after = keyed(old, "MEMBER#"), keyed(new, "MEMBER#")
    for (team, principal), member in after.items():
        known = before.get((team, principal))
        if not known:
            yield team, f"member {principal}: was removed; remove them"
        elif known["membership"] != member["membership"]:
            yield team, f"member {principal}: was removed and added again; remove them, and add them again"
        elif known["role"] != member["role"]:
            yield team, f"member {principal}: was made {known['role']}, and is {member['role']}; set the role"


def compare_tokens(old, new):
    before, after = keyed(old, "TOKEN#"), keyed(new, "TOKEN#")
    gates_before, gates_after = gates(old), gates(new)
    for (team, token), item in after.items():
        at, known = gates_after.get((team, token), {}), before.get((team, token), {})
        at_before = gates_before.get((team, token), {})
        # The gates of a revoked token are put away, once all are closed.
        was_closed = {sk for sk in at if "closed_at" in at_before.get(sk, {}) or (at_before and sk not in at_before)}
        opened = sum("closed_at" not in at[sk] for sk in was_closed)
        more = sum(
            max(0, at_before[sk].get("used", 0) - gate.get("used", 0)) for sk, gate in at.items() if sk in at_before
        )
        if "revocation" in known and "revocation" not in item:
            yield team, f"token {token}: was revoked; revoke it"
        elif opened:
            yield team, f"token {token}: {opened} of its gates were closed, and are open; revoke it"
        elif more and "revocation" not in item:
            yield team, f"token {token}: admits {more} uses that were made; revoke it, and make one for what is left"


def compare_nodes(old, new):
    before, after = keyed(old, "NODE#"), keyed(new, "NODE#")
    for (team, hostname), node in after.items():
        known = before.get((team, hostname))
        if not known:
            yield team, f"node {hostname}: was removed; remove it"
        elif known["id"] != node["id"]:
            yield team, f"node {hostname}: was removed and registered again; remove it, and have it register"
        elif known.get("public_key") != node.get("public_key"):
            yield team, f"node {hostname}: became a device, and has forgotten its key; remove it, and have it register"


def addresses(items):
    return {(team_of(pk), pk.partition("#ADDR#")[2]): item["node"] for (pk, sk), item in items.items() if sk == "ADDR"}


def compare_addresses(old, new):
    before, after = addresses(old), addresses(new)
    for (team, ip), node in after.items():
        if before.get((team, ip), node) != node:
            yield team, f"address {ip}: was given to another node; remove the node that has it, and have both register"
    for (team, hostname), node in keyed(new, "NODE#").items():
        if "private_ip" in node and after.get((team, node["private_ip"])) != node["id"]:
            yield team, f"node {hostname}: its address {node['private_ip']} is not its own; remove it, have it register"


def compare(old, new):
    """What is to be mended, by team. Tables are dictionaries of items by pk and sk."""
    found = [
        *compare_members(old, new),
        *compare_tokens(old, new),
        *compare_nodes(old, new),
        *compare_addresses(old, new),
    ]
    return sorted(found)


def gone(old, new):
    """How much of each kind was made since, and is not there."""
    return Counter(sk.partition("#")[0].lower() for _, sk in old.keys() - new.keys())


def read(client, table):
    """The whole table, read consistently: nothing must be writing to it."""
    value = TypeDeserializer().deserialize
    names = {f"#{i}": name for i, name in enumerate(ATTRIBUTES)}
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression=", ".join(names),
        ExpressionAttributeNames=names,
    )
    items = {}
    for page in pages:
        for item in page["Items"]:
            plain = {name: value(said) for name, said in item.items()}
            items[plain.pop("pk"), plain.pop("sk")] = plain
        print(f"\r{table}: {len(items):,} items", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return items


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", help="the table that was used until the restore")
    parser.add_argument("new", help="the restored table")
    parser.add_argument("--region", help="unless the profile or AWS_REGION says")
    return parser.parse_args()


def main(arguments):
    if arguments.old == arguments.new:
        raise Refusal(f"{arguments.old} is both OLD and NEW: name two tables")
    client = boto3.client("dynamodb", region_name=arguments.region)
    old, new = read(client, arguments.old), read(client, arguments.new)
    found = compare(old, new)
    for team, what in found:
        print(f"{team}  {what}")
    print(f"{len(found)} things to mend in {arguments.new}.")
    for kind, count in sorted(gone(old, new).items()):
        print(f"Made since, and not there: {kind} {count:,}")


if __name__ == "__main__":
    try:
        main(parse())
    except (Refusal, BotoCoreError, ClientError) as error:
        print(f"compare-tables: {explained(error)}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
