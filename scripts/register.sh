#!/bin/sh
# Enters one node into a team's inventory, or updates it, from any pipeline or script. Needs curl and jq.
#
#   export MUSTER_URL=https://muster.example.com REGISTRATION_TOKEN=enrt_…
#   register.sh --hostname shop.example.com --kind service --tag prod
#
# Prints the node as one line of JSON; its `outcome` is `created`, `updated` or `unchanged`. Exits with 2 if something
# given is wrong (nothing was sent), 3 if the service refuses and will again, 4 if it was not reached or was busy for
# too long, 6 if a tool is missing. In GitHub Actions it sets outputs, and errors are annotations.
set -eu

usage() {
  cat <<'END'
Enters one node into a team's inventory, or updates it.

  --hostname NAME       what the node is known by                          MUSTER_HOSTNAME
  --name TEXT           what it is called                                  MUSTER_NAME
  --kind KIND           what kind of node it is                            MUSTER_KIND
  --group GROUP         the group that it is in                            MUSTER_GROUP
  --ip-address ADDRESS  its IPv4 or IPv6 address                           MUSTER_IP_ADDRESS
  --tag TAG             a tag; may be given several times                  MUSTER_TAGS, separated by commas or newlines
  --meta JSON           an object with whatever else it likes to say       MUSTER_META
  --os TEXT             its operating system                               MUSTER_OS
  --url URL             the control plane                                  MUSTER_URL
  --timeout SECONDS     after which it is given up; 120 if left out        MUSTER_TIMEOUT

The enrollment token stands in REGISTRATION_TOKEN. What is empty or left out is not sent, and stays as it was.
END
}

# fail CODE MESSAGE
fail() {
  if [ "${GITHUB_ACTIONS:-}" = true ]; then
    # A message of several lines would end early, and its rest could be commands.
    printf '%s\n' "$2" | awk '
      { gsub(/%/, "%25"); gsub(/\r/, ""); printf "%s%s", (NR > 1 ? "%0A" : "::error title=Muster::"), $0 }
      END { print "" }' >&2
  else
    printf 'register.sh: %s\n' "$2" >&2
  fi
  exit "$1"
}

# ---- What is given

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h)
        usage
        exit
        ;;
      --token | --token=*) fail 2 'arguments are there for everybody to see: give the token in REGISTRATION_TOKEN' ;;
      --*=*)
        option=${1%%=*} value=${1#*=}
        shift
        ;;
      *)
        [ $# -gt 1 ] || fail 2 "$1 needs a value, or is no option; see --help"
        option=$1 value=$2
        shift 2
        ;;
    esac
    case $option in
      --hostname) MUSTER_HOSTNAME=$value ;;
      --name) MUSTER_NAME=$value ;;
      --kind) MUSTER_KIND=$value ;;
      --group) MUSTER_GROUP=$value ;;
      --ip-address) MUSTER_IP_ADDRESS=$value ;;
      --tag) tags="$tags
$value" ;;
      --meta) MUSTER_META=$value ;;
      --os) MUSTER_OS=$value ;;
      --url) MUSTER_URL=$value ;;
      --timeout) MUSTER_TIMEOUT=$value ;;
      *) fail 2 "$option is no option; see --help" ;;
    esac
  done
  export MUSTER_HOSTNAME MUSTER_NAME MUSTER_KIND MUSTER_GROUP MUSTER_IP_ADDRESS MUSTER_TAGS MUSTER_META MUSTER_OS
}

check_options() {
  for tool in curl jq; do
    command -v "$tool" >/dev/null 2>&1 || fail 6 "$tool is missing: install it"
  done
  case ${#token}:$token in
    0:) fail 2 'there is no token: set REGISTRATION_TOKEN' ;;
    69:enrt_*) ;;
    *) fail 2 'what REGISTRATION_TOKEN has is no enrollment token: enrt_ and 64 characters' ;;
  esac
  [ -n "$MUSTER_HOSTNAME" ] || fail 2 'which node? Give --hostname, or MUSTER_HOSTNAME'
  [ -z "$MUSTER_META" ] || jq -en 'env.MUSTER_META | fromjson | type == "object"' >/dev/null 2>&1 ||
    fail 2 'meta is no JSON object'
  case $MUSTER_TIMEOUT in
    '' | *[!0-9]* | ???????*) fail 2 'the timeout must be a number of seconds' ;;
  esac
  base=${MUSTER_URL%/}
  case $base/ in
    /) fail 2 'which control plane? Give --url https://…, or MUSTER_URL' ;;
    *[@?#]* | *[[:space:]]*) fail 2 'the URL must be a scheme, a host and perhaps a port and a path' ;;
    https://*) protocol='=https' ;;
    http://127.0.0.1[:/]* | http://localhost[:/]* | http://\[::1\][:/]*) protocol='=http' ;;
    *) fail 2 'the URL must begin with https://: the token would be read on the way' ;;
  esac
}

# ---- The call

# What is sent. The token is in no argument, only in the environment of this one jq.
body() {
  REGISTRATION_TOKEN=$token jq -cn --arg tags "$tags" '
    def list(parted): [splits(parted) | gsub("^\\s+|\\s+$"; "") | select(. != "")];
    def given(read): if . == "" then null else read end;
    {
      token: env.REGISTRATION_TOKEN,
      hostname: env.MUSTER_HOSTNAME,
      name: env.MUSTER_NAME,
      kind: env.MUSTER_KIND,
      group: env.MUSTER_GROUP,
      ip_address: env.MUSTER_IP_ADDRESS,
      os: env.MUSTER_OS
    }
    | map_values(given(.))
    # A tag of its own may have commas.
    | .tags = (if $tags == "" then env.MUSTER_TAGS | list("[,\n]") else $tags | list("\n") end)
    | .tags |= (if . == [] then null else . end)
    | .meta = (env.MUSTER_META | given(fromjson))
    | with_entries(select(.value != null))'
}

# Prints the status. A function may take 10 s. No .curlrc sends the token on to where a redirect leads, and no proxy gets
# what is for this machine.
call() {
  case ${base#*://}/ in
    127.0.0.1[:/]* | localhost[:/]* | \[::1\][:/]*) set -- --noproxy '*' ;;
  esac
  body | curl --disable --silent --show-error --globoff --proto "$protocol" --connect-timeout 5 --max-time 15 \
    --header 'Content-Type: application/json' --data-binary @- \
    --dump-header "$scratch/headers" --output "$scratch/answer" --write-out '%{http_code}' "$@" "$base/api/register-node"
}

# Waits at random, for a fleet that waits alike comes back in the same second: up to a second before each of the first
# twenty repeats, then twice as long each time, up to 30 s. Retry-After comes on top. No longer than there is time left:
# then it is tried once more.
pause() {
  [ "$tries" -le 20 ] || longest=$((longest < 15000 ? longest * 2 : 30000))
  random=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
  wait=$((random % longest))
  after=$(awk 'tolower($1) == "retry-after:" { after = int($2) }
    END { print (after < 0 ? 0 : after > 60 ? 60 : after + 0) }' "$scratch/headers")
  wait=$((after * 1000 + wait)) most=$(((deadline - $(date +%s)) * 1000))
  [ "$wait" -le "$most" ] || wait=$((most > 0 ? most : 0))
  sleep "$((wait / 1000)).$(printf %03d $((wait % 1000)))"
}

# Why the service refuses, if it is the service that answers.
refusal() {
  jq -ers '
    .[0]
    | (.detail // .message // error("nothing")) + (if .code then " (\(.code))" else "" end),
    (.errors // [] | .[] | "\(.pointer // .parameter) \(.detail)")' "$scratch/answer" 2>/dev/null
}

register() {
  deadline=$(($(date +%s) + MUSTER_TIMEOUT)) tries=0 longest=1000 broken=0
  while :; do
    tries=$((tries + 1)) came=0
    # An answer may be empty; that of the last try is not to be read in its place.
    : >"$scratch/headers"
    : >"$scratch/answer"
    status=$(call 2>"$scratch/complaint") || came=$?
    case $came:$status in
      0:20[01]) return ;;
      0:429 | 0:502 | 0:503 | 0:504) why="it answers $status" ;;
      0:5*)
        broken=$((broken + 1)) why="it answers $status"
        [ "$broken" -lt 5 ] || fail 4 "the control plane at $base is broken: $why"
        ;;
      0:*)
        why=$(refusal) || fail 4 "what answers at $base is no control plane of Muster: it answers $status"
        fail 3 "$why"
        ;;
      # The URL, or a certificate: another try ends the same way.
      [123]:* | 60:* | 77:*) fail 4 "the control plane at $base is not to be had: $(cat "$scratch/complaint")" ;;
      *) why=$(cat "$scratch/complaint") ;;
    esac
    [ "$(date +%s)" -lt "$deadline" ] || fail 4 "the control plane at $base does not answer: $why"
    pause
  done
}

# ---- What comes of it

# The node on one line, with the outcome also from a service that does not say it.
node() {
  jq -ces --arg status "$status" '
    .[0]
    | if (.id | type) == "string" then . else error("no node") end
    | .outcome //= if $status == "201" then "created" else "updated" end' "$scratch/answer" 2>/dev/null ||
    fail 4 "what answers at $base is no control plane of Muster: it answers with no node"
}

# GitHub's file has a line for each output: no value may bring another line.
outputs() {
  printf '%s' "$1" | jq -r '
    def line: . // "" | tostring | gsub("[[:cntrl:]]"; "");
    "node-id=\(.id | line)", "outcome=\(.outcome | line)", "hostname=\(.hostname | line)",
    "ip-address=\(.ip_address | line)", "node=\(tojson)"'
}

main() {
  # Secrets are pasted with a newline at the end.
  token=$(printf %s "${REGISTRATION_TOKEN:-}" | tr -d '[:space:]')
  unset REGISTRATION_TOKEN
  : "${MUSTER_HOSTNAME:=}" "${MUSTER_NAME:=}" "${MUSTER_KIND:=}" "${MUSTER_GROUP:=}" "${MUSTER_IP_ADDRESS:=}"
  : "${MUSTER_TAGS:=}" "${MUSTER_META:=}" "${MUSTER_OS:=}" "${MUSTER_URL:=}" "${MUSTER_TIMEOUT:=120}"
  tags=''
  read_options "$@"
  check_options
  scratch=$(mktemp -d) || fail 6 'there is no room for temporary files'
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  register
  node=$(node) || exit
  [ -z "${GITHUB_OUTPUT:-}" ] || outputs "$node" >>"$GITHUB_OUTPUT"
  printf '%s\n' "$node"
}

main "$@"
