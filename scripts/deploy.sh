#!/usr/bin/env bash
# Builds the functions and deploys template.yaml into an AWS account. What it must know it asks the first time, keeps in
# samconfig.toml, and asks no more. Safe to repeat: what has not changed is left alone.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Asks the question $2 until the answer, $3 if it is empty, matches $4; $5 says what is wanted. Sets the variable $1.
ask() {
  local answer
  for _ in 1 2 3; do
    read -r -p "$2${3:+ [$3]}: " answer || die 'no answer; nothing was deployed'
    answer=${answer:-$3}
    if [[ $answer =~ $4 ]]; then
      printf -v "$1" '%s' "$answer"
      return
    fi
    echo "  $5" >&2
  done
  die 'three times no answer that will do; nothing was deployed'
}

# Asks for a deployment into the account $1, in the region $2 unless told otherwise.
configure() {
  local name where processor issuer audience='' email dashboard
  [[ -t 0 ]] || die 'there is no samconfig.toml and nobody to ask: run it in a terminal once,' \
    'or copy infra/samconfig.example.toml to samconfig.toml and change it'
  echo "Into the account $1. Enter takes what stands in brackets."
  ask name 'Name of the stack, and of its table' muster '^[A-Za-z][A-Za-z0-9-]{2,100}$' \
    'a letter, then 2 to 100 letters, digits and dashes'
  ask where 'Region' "$2" '^[a-z]{2,3}(-[a-z]+)+-[0-9]$' 'for example eu-central-1'
  ask processor 'Processor: arm64 costs a fifth less; x86_64 needs no second Rust target on a PC' arm64 \
    '^(arm64|x86_64)$' 'arm64 or x86_64'
  ask issuer 'Your OIDC issuer; leave it empty to have a Cognito user pool made' '' '^(https://[^[:space:]",]+)?$' \
    'an https URL, or nothing'
  if [[ -n $issuer ]]; then
    ask audience 'The client ids whose tokens are let in, parted by commas' '' '^[^[:space:]",]+(,[^[:space:]",]+)*$' \
      'at least one, without spaces'
  fi
  ask email 'Where nine alarms are sent (beyond ten free ones, 90 cents a month); leave it empty for none' '' \
    '^([^@[:space:]"]+@[^@[:space:]"]+)?$' 'an e-mail address, or nothing'
  ask dashboard 'A CloudWatch dashboard? (beyond three free ones, 3 dollars a month)' no '^(yes|no)$' 'yes or no'
  cat >samconfig.toml <<END
# Written by \`make deploy\`, which sets what is changed here. infra/samconfig.example.toml says more.
version = 0.1

[default.global.parameters]
stack_name = "$name"
region = "$where"

[default.global.parameters.parameter_overrides]
TableName = "$name"
Architecture = "$processor"
JwtIssuer = "$issuer"
JwtAudience = "$audience"
AlarmEmail = "$email"
Dashboard = "$dashboard"

[default.deploy.parameters]
capabilities = "CAPABILITY_IAM"
resolve_s3 = true
s3_prefix = "$name"
confirm_changeset = false
fail_on_empty_changeset = false
END
  echo 'Kept in samconfig.toml.'
}

# Sets target to what cargo-lambda is told of the processor, once the standard library for it is there.
choose_target() {
  local architecture triple library
  architecture=$(stack setting Architecture) || exit 1
  case ${architecture:-arm64} in
    arm64) target=--arm64 triple=aarch64-unknown-linux-gnu ;;
    *) target=--x86-64 triple=x86_64-unknown-linux-gnu ;;
  esac
  library=$(rustc --print target-libdir --target "$triple")
  [[ -d $library ]] || die "Rust has no standard library for $triple: run \`rustup target add $triple\`," \
    'or give Architecture in samconfig.toml the other value'
}

# All at once, so that every core is busy; sam then finds each function built.
build() {
  local packages=() crate
  for crate in functions/*/; do packages+=(--package "$(basename "$crate")"); done
  echo '==> build'
  cargo lambda build --release --locked "$target" "${packages[@]}"
  sam build --build-in-source --no-cached --config-file "$PWD/samconfig.toml"
}

what_next() {
  local pool
  pool=$(stack outputs UserPoolId)
  echo
  echo "$(stack setting stack) is deployed, and answers at $(stack outputs ApiUrl). What next:"
  [[ -z $pool ]] || echo '  make invite EMAIL=<your address>    # mails you a temporary password'
  echo "  $(stack outputs SignIn)"
  echo "  $(stack outputs FirstCall)"
  echo 'Go on as in README.md, with that address. docs/OPERATIONS.md says how to run it.'
}

account=$(whoami) || exit 1
[[ -e samconfig.toml ]] || configure "${account% *}" "${account#* }"
region=$(stack setting region) || exit 1
account=$(whoami "$region") || exit 1
stack check || exit 1
issuer=$(stack setting JwtIssuer) || exit 1
[[ -z $issuer ]] || scripts/issuer.py "$issuer" || exit 1
choose_target
stack free || exit 1
echo "==> $(stack setting stack), into the account ${account% *} in $region"
build
echo '==> deploy'
sam deploy --config-file "$PWD/samconfig.toml"
stack routes || exit 1
what_next
