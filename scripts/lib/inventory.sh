# shellcheck shell=sh
# What the inventories share: their options, and how nodes are registered, hundreds of them at a time.
#
# A script that reads this file defines `usage`, and `own_option` if it has options of its own. It then calls `begin`,
# puts what it finds into files of $work, makes nodes of them with `nodes`, and ends with `register`.

set -eu
umask 077
LC_ALL=C
export LC_ALL

program=${0##*/}
library=$(dirname -- "$0")/lib
group='' suffix='' suffix_given='' dry_run='' jobs=8

complain() {
  printf '%s: %s\n' "$program" "$*" >&2
}

# Something failed.
die() {
  complain "$@"
  exit 1
}

# Something that was given, or that is installed, is not as it must be.
wrong() {
  complain "$@"
  exit 2
}

# ---- What is given

# Leaves in $taken how many arguments it took.
own_option() {
  return 1
}

value_of() {
  [ $# -ge 2 ] || wrong "$1 asks for a value; see --help"
}

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --*=*)
        option=${1%%=*} given=${1#*=}
        shift
        set -- "$option" "$given" "$@"
        ;;
    esac
    taken=1
    case $1 in
      -h | --help)
        usage
        exit
        ;;
      --dry-run) dry_run=yes ;;
      --group)
        value_of "$@"
        group=$2 taken=2
        ;;
      --suffix)
        value_of "$@"
        suffix=$(printf %s "$2" | tr '[:upper:]' '[:lower:]') taken=2
        # shellcheck disable=SC2034 # scripts that have another default ask for it
        suffix_given=yes
        ;;
      --jobs)
        value_of "$@"
        jobs=$2 taken=2
        ;;
      *) own_option "$@" || wrong "what is $1? see --help" ;;
    esac
    shift "$taken"
  done

  case $group in
    [!a-z0-9]* | *[!a-z0-9._-]*) wrong '--group must be of a-z, 0-9, . _ and -, and begin with a letter or digit' ;;
  esac
  [ ${#group} -le 64 ] || wrong '--group must have at most 64 characters'
  case $suffix in
    [.-]* | *. | *..* | *[!a-z0-9._-]*) wrong "--suffix must be the end of a hostname, such as docker-1.example.com" ;;
  esac
  [ ${#suffix} -le 100 ] || wrong '--suffix must have at most 100 characters'
  case $jobs in
    [1-9] | [1-5][0-9] | 6[0-4]) ;;
    *) wrong '--jobs must be a number from 1 to 64' ;;
  esac
}

is_loopback() {
  authority=${1#*://} && authority=${authority%%[/?#]*}
  case $authority in
    '[::1]') return 0 ;;
    '[::1]':*) port=${authority#*]:} ;;
    *:*) port=${authority#*:} ;;
    *) port=0 ;;
  esac
  case $port in
    *[!0-9]*) return 1 ;;
  esac
  case ${authority%:*} in
    localhost | '[::1]') ;;
    *[!0-9.]*) return 1 ;;
    127.*) ;;
    *) return 1 ;;
  esac
}

# Goes on if $2, the value of $1, is a URL that a secret may be sent to: it could be read on the way to any other.
must_be_safe() {
  case $2 in
    https://?*) ;;
    http://*) is_loopback "$2" || wrong "$1 must begin with https://: on the way, the token could be read" ;;
    *) wrong "$1 must be a URL that begins with https://" ;;
  esac
}

need() {
  command -v "$1" >/dev/null || wrong "$1 is missing; install it${2:+ ($2)}"
}

# The workers go on for a moment and may write into what is being removed; without `go` they end.
interrupted() {
  trap - EXIT
  rm -f "$work/go"
  for _ in 1 2 3 4 5; do
    rm -rf "$work" 2>/dev/null && break
    sleep 0.1 2>/dev/null || :
  done
  exit "$1"
}

# What every script begins with: its tool, then its arguments.
begin() {
  tool=$1
  shift
  read_options "$@"
  need jq 'Debian: apt-get install jq'
  need "$tool"
  if [ -z "$dry_run" ]; then
    need curl 'Debian: apt-get install curl'
    [ -n "${MUSTER_URL:-}" ] || wrong 'MUSTER_URL is not set; set it to where Muster is: https://muster.example.com'
    [ -n "${REGISTRATION_TOKEN:-}" ] ||
      wrong 'REGISTRATION_TOKEN is not set; set it to an enrollment token, which an admin of the team makes: enrt_…'
    must_be_safe MUSTER_URL "$MUSTER_URL"
    url=${MUSTER_URL%/}
    # No program that is started here has the token among its arguments or in its environment.
    token=$REGISTRATION_TOKEN
    case ${#token}$token in
      69enrt_*[!a-z2-7]*) token='' ;;
      69enrt_*) ;;
      *) token='' ;;
    esac
    [ -n "$token" ] || wrong 'REGISTRATION_TOKEN is no enrollment token: that is enrt_ and 64 characters of a-z and 2-7'
  fi
  unset REGISTRATION_TOKEN

  work=$(mktemp -d) || die 'no temporary directory can be made'
  trap 'rm -rf "$work"' EXIT
  trap 'interrupted 129' HUP
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  : >"$work/go"
}

# ---- What becomes of what was found

# Makes $work/nodes, a node a line, of the JSON in the files $2…, by the jq program $1, which reads it all as a list.
nodes() {
  make=$1
  shift
  jq --slurp --compact-output -L "$library" --arg group "$group" --arg suffix "$suffix" --arg host "${host:-}" \
    "include \"inventory\"; [$make] | each_once | if \$group == \"\" then . else .group = \$group end" \
    "$@" >"$work/nodes" 2>"$work/error" || case $? in
    1) die "$(cat "$work/error")" ;;
    *) die "what $tool says is not what was expected; nothing was registered: $(cat "$work/error")" ;;
  esac
}

# ---- Calls

# Calls the URL $1 with the curl options after it, leaves the answer in $answer and prints its status. No .curlrc sends
# the token on to where a redirect leads, and no proxy gets what is for this machine.
ask() {
  where=$1
  shift
  if is_loopback "$where"; then set -- --noproxy '*' "$@"; fi
  curl --disable --silent --show-error --globoff --connect-timeout 10 --max-time 30 --header 'Expect:' \
    --output "$answer" --dump-header "$answer.head" --write-out '%{http_code}' "$@" "$where"
}

going_on() {
  [ -e "$work/go" ] && [ ! -e "$work/stopped" ]
}

# Between 0 and 1 s, after what the last answer asks for: machines that wait equally long come back in the same second.
# To ask for more than five minutes is to refuse.
pause() {
  after=$(awk 'tolower($1) == "retry-after:" && $2 ~ /^[0-9]+\r?$/ {after = $2} END {print after + 0}' "$answer.head")
  [ "$after" -le 300 ] || return 1
  thousandths=$(($(od -An -N2 -tu2 /dev/urandom) * 1000 / 65536))
  sleep "$(printf '%d.%03d' "$after" "$thousandths")" 2>/dev/null || sleep $((after + 1))
}

# Calls "$@", which ends with `ask`, until the answer is final. Its status is in $status then, and 000 if there is none:
# the reason is in $answer.
persist() {
  tries=0 errors=0
  while :; do
    tries=$((tries + 1))
    fault=0
    : >"$answer"
    : >"$answer.head"
    status=$("$@" 2>"$answer.error") || fault=$?
    # Nothing is left of $work, and nobody to tell, once the script was interrupted.
    [ -e "$work/go" ] || exit 1
    most=20
    case $fault:$status in
      0:429 | 0:50[234]) ;;
      # The service is not busy, but broken.
      0:500)
        errors=$((errors + 1))
        [ "$errors" -lt 5 ] || return 0
        ;;
      0:*) return 0 ;;
      # No name, no connection, an answer that broke off: what another moment may mend.
      5:* | 6:* | 7:* | 16:* | 18:* | 28:* | 35:* | 52:* | 5[56]:* | 92:*) ;;
      *) most=1 ;;
    esac
    if [ "$fault" -ne 0 ]; then
      status=000
      cat "$answer.error" >"$answer"
    fi
    if [ "$tries" -ge "$most" ] || ! going_on || ! pause; then return 0; fi
  done
}

# ---- Registration

# The token goes through a pipe: arguments are there for everybody on the machine to see.
send() {
  {
    printf '{"token":"%s",' "$token"
    cat "$work/node.$1"
  } | ask "$url/api/register-node" --header 'Content-Type: application/json' --data-binary @-
}

# Whether the last answer is one that all the others would get as well.
concerns_all() {
  case $status in
    000 | 401) return 0 ;;
    403) code=$(jq --raw-output '.code? // ""' "$answer" 2>/dev/null) || return 1 ;;
    *) return 1 ;;
  esac
  case $code in
    token-revoked | token-expired | kind-not-allowed | key-required) ;;
    *) return 1 ;;
  esac
}

# Registers the nodes $1, $1 + $jobs and so on, and prints what `outcomes` reads.
work_off() {
  node=$1 answer=$work/answer.$1
  while [ "$node" -le "$total" ] && going_on; do
    persist send "$node"
    # The first to be told so tells it; it is the same for all.
    if concerns_all && ! mkdir "$work/stopped" 2>/dev/null; then return 0; fi
    printf '{'
    cat "$work/node.$node"
    printf '%s\n' "$status"
    tr '\r\n' '  ' <"$answer"
    echo
    node=$((node + jobs))
  done
}

# Prints each outcome that it reads, and how many there were of each.
count() {
  created=0 updated=0 unchanged=0 failed=0
  while IFS= read -r outcome; do
    case $outcome in
      created*) created=$((created + 1)) ;;
      updated*) updated=$((updated + 1)) ;;
      unchanged*) unchanged=$((unchanged + 1)) ;;
      *)
        failed=$((failed + 1))
        printf '%s\n' "$outcome" >&2
        continue
        ;;
    esac
    printf '%s\n' "$outcome"
  done
  [ -e "$work/go" ] || exit 1
  left=$((total - created - updated - unchanged - failed))
  if [ "$left" -gt 0 ]; then complain "not tried because of that: $left more"; fi
  failed=$((failed + left))
  echo "$created created, $updated updated, $unchanged unchanged, $failed failed"
  [ "$failed" -eq 0 ]
}

# Registers $work/nodes, which are called $1. Ends the script.
register() {
  total=$(($(wc -l <"$work/nodes")))
  if [ "$total" -eq 0 ]; then complain "there are no $1"; fi
  if [ -n "$dry_run" ]; then
    cat "$work/nodes"
    exit
  fi
  # Without the brace that the token comes behind.
  awk -v directory="$work" '{file = directory "/node." NR; print substr($0, 2) >file; close(file)}' "$work/nodes"
  {
    worker=0
    while [ "$worker" -lt "$jobs" ] && [ "$worker" -lt "$total" ]; do
      worker=$((worker + 1))
      work_off "$worker" |
        jq --null-input --raw-input --raw-output --unbuffered -L "$library" 'include "inventory"; outcomes' &
    done
    wait
  } | count &
  # A signal ends a wait, not what runs in the foreground.
  wait $! && exit
  exit 1
}
