#!/usr/bin/env bash
# Deletes the stack that samconfig.toml names, once its name has been typed (or given as YES). Keeps the table, unless
# DELETE_TABLE=yes and its name has been typed too (or given as YES_TABLE).
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Goes on only if $2, or what is typed, is $1. $3 says what it is, $4 how else it is given.
confirm() {
  local answer=$2
  if [[ -z $answer ]]; then
    [[ -t 0 ]] || die "nobody to ask: give $4=$1 to delete $3; nothing was deleted"
    read -r -p "Type $1 to delete $3: " answer || true
  fi
  [[ $answer == "$1" ]] || die "that is not $1: nothing was deleted"
}

name=$(stack setting stack) || exit 1
region=$(stack setting region) || exit 1
# The table, where there is no stack: kept before, or not come to by a run that was interrupted. It may be another's.
left=$(stack left) || exit 1
table=${left:-$(stack table)} || exit 1
account=$(whoami "$region") || exit 1
where="in the account ${account% *}, in $region"

if [[ -n $left ]]; then
  echo "There is no stack $name $where. A table $table is there, as samconfig.toml names it."
  order='What is deleted'
else
  stack contents || exit 1
  order='Deleted last'
fi
if [[ ${DELETE_TABLE:-} == yes ]]; then
  holding=$(stack holds "$table") || exit 1
  echo "$order is $holding, $where. DynamoDB keeps a last backup of it for 35 days."
else
  echo "The table $table is kept, with all teams, tokens and nodes (DELETE_TABLE=yes deletes it too). \`make adopt" \
    "TABLE=$table\` has a later stack go on with it."
fi
echo 'The bucket aws-sam-cli-managed-default-… is kept too: other SAM stacks may have their code in it.'
echo
[[ -n $left ]] || confirm "$name" "${YES:-}" "the stack $name $where" YES
[[ ${DELETE_TABLE:-} != yes ]] ||
  confirm "$table" "${YES_TABLE:-}" "the table $table $where, and all that is in it" YES_TABLE

[[ -n $left ]] || sam delete --stack-name "$name" --region "$region" --no-prompts
if [[ ${DELETE_TABLE:-} == yes ]]; then
  stack delete-table "$table" || exit 1
  echo "$table is deleted."
fi
