#!/usr/bin/env bash
# Enters this very machine, as it is, into a team of a running Muster (`make run`), with curl. Safe to repeat.
set -euo pipefail

muster=${MUSTER_URL:-http://127.0.0.1:8000}
email=${MUSTER_EMAIL:-alice@example.com}

die() {
  echo "demo: $*" >&2
  exit 1
}

for tool in curl python3; do
  command -v "$tool" >/dev/null || die "$tool is missing; install it (Debian: apt-get install $tool)"
done

# ---- What this machine is

os() {
  # shellcheck source=/dev/null
  if [[ -r /etc/os-release ]]; then (. /etc/os-release && echo "${PRETTY_NAME:-$NAME}"); else uname -s; fi
}

addresses() {
  if command -v ip >/dev/null; then
    ip -o address show scope global | awk '{sub("/.*", "", $4); print $4}'
  elif [[ -r /proc/net/fib_trie ]]; then
    awk '/32 host LOCAL/ && last !~ /^127\./ && !seen[last]++ {print last} {last = $2}' /proc/net/fib_trie
  else
    ifconfig | awk '$1 == "inet" && $2 !~ /^127\./ {print $2}'
  fi
}

memory_mib() {
  if [[ -r /proc/meminfo ]]; then
    awk '$1 == "MemTotal:" {print int($2 / 1024)}' /proc/meminfo
  else
    echo $(($(sysctl -n hw.memsize) / 1048576))
  fi
}

# What is reported of this machine, with the token $1.
report() {
  TOKEN=$1 OS=$(os) KERNEL=$(uname -sr) ARCHITECTURE=$(uname -m) ADDRESSES=$(addresses) \
    CPUS=$(getconf _NPROCESSORS_ONLN) MEMORY_MIB=$(memory_mib) HOST=$(uname -n) python3 -c '
import json
from os import environ as env
addresses = env["ADDRESSES"].split()
print(json.dumps({
    "token": env["TOKEN"],
    "hostname": env["HOST"],
    "name": env["HOST"],
    "kind": "server",
    "ip_address": addresses[0] if addresses else None,
    "os": env["OS"],
    "tags": ["demo", env["ARCHITECTURE"]],
    "meta": {
        "kernel": env["KERNEL"], "architecture": env["ARCHITECTURE"], "addresses": addresses,
        "cpus": int(env["CPUS"]), "memory_mib": int(env["MEMORY_MIB"]),
    },
}))'
}

# ---- Calls

# The field $1 of the JSON object read; nothing if there is none.
value() {
  python3 -c '
import json, sys
try:
    print(json.load(sys.stdin)[sys.argv[1]])
except (KeyError, TypeError, ValueError):
    pass' "$1"
}

# Calls $1 $2 with the curl options after that; the answer ends with a line that is its status.
call() {
  local method=$1 path=$2
  shift 2
  curl --silent --show-error --max-time 30 --request "$method" --write-out '\n%{http_code}' "$@" "$muster$path" 2>&1 ||
    die "nobody answers at $muster; start it in another terminal: make run"
}

# The body of a call that must succeed.
ask() {
  local answer status
  answer=$(call "$@") || exit 1
  status=${answer##*$'\n'} answer=${answer%$'\n'*}
  [[ $status == 2* ]] || die "$1 $2 is answered with $status: ${answer//$'\n'/ }"
  printf '%s\n' "$answer"
}

as_person() {
  ask "$@" --header "Authorization: Bearer $jwt" --header 'Content-Type: application/json'
}

# The plaintext goes through stdin: arguments are there for everybody on the machine to see.
register() {
  report "$token" | ask POST /api/register-node --header 'Content-Type: application/json' --data @-
}

# ---- The story

jwt=$(ask GET "/dev/token?email=$email" | value id_token)
[[ -n $jwt ]] || die "what answers at $muster gives no token for development; is it \`make run\`?"
echo "Signed in at $muster as $email."

teams=$(as_person GET '/api/teams?limit=100')
team=$(python3 -c '
import json, sys
mine = (team["id"] for team in json.load(sys.stdin)["teams"] if (team["name"], team["role"]) == ("Demo", "owner"))
print(next(mine, ""))' <<<"$teams")
if [[ -z $team ]]; then
  team=$(as_person POST /api/teams --data '{"name": "Demo"}' | value id)
  echo "Made the team Demo, $team."
else
  echo "The team Demo is there, $team."
fi

made=$(as_person POST "/api/teams/$team/registration-tokens" \
  --data '{"name": "make demo", "max_uses": 50, "allowed_kinds": ["server"]}')
token=$(value token <<<"$made") token_id=$(value id <<<"$made")
unset made
echo "Made the enrollment token $token_id, for 50 servers."

node=$(register | value id)
echo "Registered this machine: it is $node."
again=$(register | value id)
[[ $again == "$node" ]] || die "registered again it is another node: $again"
echo "Registered it again: it is the same node."
echo

nodes=$(as_person GET "/api/teams/$team/nodes?limit=100")
python3 -c '
import json, sys
rows = [("HOSTNAME", "KIND", "OS", "KERNEL", "CPUS", "MEMORY", "ADDRESS", "STATUS", "LAST SEEN")]
for node in json.load(sys.stdin)["nodes"]:
    meta = node["meta"] or {}
    memory = meta.get("memory_mib")
    cells = (node["hostname"], node["kind"], node["os"], meta.get("kernel"), meta.get("cpus"),
             f"{memory} MiB" if memory else None, node["ip_address"], node["status"], node["last_seen_at"])
    rows.append(tuple("-" if cell is None else str(cell) for cell in cells))
widths = [max(map(len, column)) for column in zip(*rows)]
for row in rows:
    print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())' <<<"$nodes"
echo

uses=$(as_person GET "/api/teams/$team/registration-tokens/$token_id" | value use_count)
echo "The token has been used $uses time(s)."
as_person DELETE "/api/teams/$team/registration-tokens/$token_id" >/dev/null
refused=$(report "$token" | call POST /api/register-node --header 'Content-Type: application/json' --data @-)
[[ $refused == *token-revoked*403 ]] || die "revoked, it still lets somebody in: ${refused##*$'\n'}"
echo "Revoked it: it lets nobody in any more, and the node stays."
