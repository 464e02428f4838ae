#!/usr/bin/env bash
# Tries the API out with schemathesis, along the links of infra/openapi.yaml, with what its schemas let through and with
# what they do not. What is checked, and what is not and why: tests/fuzz/schemathesis.toml.
#
# Usage: fuzz-api.sh [seconds]
#   seconds      for how long; left out, once through
#   EXAMPLES     how many requests of each call at the most (10)
#   SEED         where chance begins (anywhere; it is printed)
#   PORT         of the service that is started for it (any that is free)
#   MUSTER_URL   a running `make run` to try out instead; what is made there stays there
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
  echo "fuzz-api: $*" >&2
  exit 1
}

number() {
  [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || die "$1 is '$2'; set it to a whole number from 1 on"
}

seconds=${1-} examples=${EXAMPLES:-10} seed=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
[[ -z $seconds ]] || number TIME "$seconds"
number EXAMPLES "$examples"
number SEED "$seed"
schemathesis=.venv/bin/schemathesis service=${CARGO_TARGET_DIR:-target}/debug/muster-local
[[ -x $schemathesis ]] || die "schemathesis is missing; run: make tools"

work=$(mktemp -d)
pid=
trap '[[ -z $pid ]] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

# Starts a service whose data goes with it, and waits until it says where it is.
start() {
  [[ -x $service ]] || die "the service is not built; run: cargo build --package muster-local"
  PORT=${PORT:-0} DATA_DIR=$work/data "$service" >"$work/welcome" 2>"$work/log" &
  pid=$!
  for _ in {1..300}; do
    url=$(sed -nE 's|^Muster is at (http://[^,]+), .*|\1|p' "$work/welcome")
    [[ -z $url ]] || return 0
    kill -0 "$pid" 2>/dev/null || die "$(tail -n 1 "$work/log")"
    sleep 0.1
  done
  die "the service does not start within 30 s: $(tail -n 1 "$work/log")"
}

url=${MUSTER_URL:-}
if [[ -z $url ]]; then
  start
elif ! curl --silent --fail --max-time 10 --output "$work/answer" "$url/dev/token?email=fuzz@example.com"; then
  die "nobody gives a token for development at $url; start the service: make run"
fi

budget=(--max-examples "$examples")
# A run that is cut off may not have come to every call, which is what a warning tells.
[[ -z $seconds ]] || budget+=(--max-time "$seconds" --warnings off)
echo "Trying out $url, SEED=$seed EXAMPLES=$examples${seconds:+ TIME=$seconds}"
failed=0
export MUSTER_URL=$url HYPOTHESIS_STORAGE_DIRECTORY=$work/hypothesis
"$schemathesis" --config-file tests/fuzz/schemathesis.toml run infra/openapi.yaml --url "$url" --seed "$seed" \
  "${budget[@]}" || failed=$?
if [[ -n $pid ]]; then
  kill -0 "$pid" 2>/dev/null || die "the service died: $(tail -n 1 "$work/log")"
  # What schemathesis shows of an internal error is as little as callers see; the log has more.
  grep '"level":"ERROR"' "$work/log" >&2 && failed=1
fi
exit "$failed"
