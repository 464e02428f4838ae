# shellcheck shell=bash
# What deploy.sh and undeploy.sh share. They run in the repository's root, with the tools of .venv.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH" SAM_CLI_TELEMETRY=0

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

stack() {
  .venv/bin/python infra/stack.py "$@"
}

[[ -x .venv/bin/sam && -x .venv/bin/cargo-lambda ]] || die "the tools are not installed in .venv: run \`make tools\`"

# The account, or why there is none. Its region is that of the profile, unless one is given.
whoami() {
  stack whoami "$@" || exit 1
}
