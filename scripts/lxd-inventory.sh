#!/bin/sh
# Enters the running instances of an LXD server into a team's inventory; docs/INVENTORIES.md.
# shellcheck source=scripts/lib/inventory.sh
. "$(dirname -- "$0")/lib/inventory.sh"

usage() {
  cat <<'END'
usage: lxd-inventory.sh [options]

Enters each running container and virtual machine of LXD into the inventory of a team of Muster. Run it again as often
as you like: an instance is the same node as long as it has the same name.

  --project NAME   the instances of this project, instead of the current one
  --all-projects   the instances of all projects
  --group NAME     the group of the nodes; left out, they keep theirs
  --suffix NAME    what the hostnames end with, instead of the server's name; '' for nothing
  --jobs N         how many are sent at a time, 1 to 64; 8 if left out
  --dry-run        print what would be sent, a line of JSON for each, and send nothing

environment:
  MUSTER_URL           where Muster is, such as https://muster.example.com
  REGISTRATION_TOKEN   an enrollment token, which admits the kind `container`
END
}

project='' all_projects=''

own_option() {
  case $1 in
    --project)
      value_of "$@"
      project=$2 taken=2
      ;;
    --all-projects) all_projects=yes ;;
    *) return 1 ;;
  esac
}

begin lxc "$@"

lxc list --format json ${project:+--project "$project"} ${all_projects:+--all-projects} >"$work/instances" ||
  die 'lxc does not list the instances; nothing was registered'

host=$suffix
if [ -z "$suffix_given" ]; then
  lxc query /1.0 >"$work/server" || die 'lxc does not tell the name of the server; give one with --suffix'
  # Any member of a cluster may answer, each with its own name.
  host=$(jq --raw-output '.environment | select(.server_clustered != true) | .server_name // ""' "$work/server") ||
    die 'lxc does not tell the name of the server; give one with --suffix'
fi

# Nobody reaches the address of a bridge within an instance: an interface with a side on the host comes first. Of the
# keys for free use, those that cloud-init reads hold scripts and passwords.
# shellcheck disable=SC2016
nodes '
  ($host | ascii_downcase | if . == "" then . else part(100) end) as $host
  | .[][] | select(.status == "Running")
  | .name as $name
  | (.project // "default") as $project
  | (.expanded_config // .config // {}) as $config
  | (.name | hostname([if $project == "default" then "" else $project | part(63) end, $host])) as $hostname
  | [.state.network // {} | to_entries[] | select(.key != "lo")] as $all
  | [$all[] | select(.value.host_name // "" | . != "")] as $outer
  | (if $outer == [] then $all else $outer end
      | map(.value = [.value.addresses[]? | select(.scope == "global").address])) as $found
  | {
      ip_address: ([$found[].value[]] | sort_by(contains(":")) | first),
      os: ([$config["image.os"], $config["image.version"] // $config["image.release"]] | said | join(" ")),
      tags: [
        ({host: $host, project: $project, type: .type} | facts | pairs),
        (.profiles[]? | "profile=" + .),
        ($config | with_entries(select(.key | startswith("user.")))
          | del(.["user.user-data", "user.vendor-data", "user.meta-data", "user.network-config"]) | pairs)
      ],
      meta: {
        source: "lxd", host: $host, project: $project, type: .type,
        location: (if .location == "none" then null else .location end),
        image: $config["image.description"], architecture: .architecture, description: .description,
        profiles: .profiles, cpus: $config["limits.cpu"], memory: $config["limits.memory"],
        created_at: .created_at, started_at: .last_used_at,
        addresses: ($found | from_entries | facts)
      }
    }
  | node("container"; $name; $hostname)
' "$work/instances"
register 'running instances'
