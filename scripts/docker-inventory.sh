#!/bin/sh
# Enters the running containers of a Docker engine into a team's inventory; docs/INVENTORIES.md.
# shellcheck source=scripts/lib/inventory.sh
. "$(dirname -- "$0")/lib/inventory.sh"

usage() {
  cat <<'END'
usage: docker-inventory.sh [options]

Enters each running container into the inventory of a team of Muster. Run it again as often as you like: a container is
the same node as long as it has the same name.

  --group NAME    the group of the nodes; left out, they keep theirs
  --suffix NAME   what the hostnames end with, instead of the name of the engine's machine; '' for nothing
  --jobs N        how many are sent at a time, 1 to 64; 8 if left out
  --dry-run       print what would be sent, a line of JSON for each, and send nothing

environment:
  MUSTER_URL           where Muster is, such as https://muster.example.com
  REGISTRATION_TOKEN   an enrollment token, which admits the kind `container`
END
}

begin docker "$@"

docker ps --quiet --no-trunc >"$work/ids" || die 'docker does not list the containers; nothing was registered'
echo '[]' >"$work/containers"
if [ -s "$work/ids" ]; then
  # A container that is gone by now is an error to docker, which tells of the others all the same.
  if ! xargs docker inspect --type container <"$work/ids" >"$work/containers" 2>"$work/error" &&
    grep -v -i -e 'no such container' -e 'no such object' "$work/error" >&2; then
    die 'docker does not tell about the containers; nothing was registered'
  fi
fi

host=$suffix
if [ -z "$suffix_given" ]; then
  host=$(docker info --format '{{.Name}}') && [ -n "$host" ] ||
    die 'docker does not tell the name of its machine; give one with --suffix'
fi

# A task of a swarm has its id at the end of its name, another one at every deploy. Of two that have the same place in
# the service, one is about to go.
# shellcheck disable=SC2016
nodes '
  ($host | ascii_downcase | if . == "" then . else part(100) end) as $host
  | [.[][] | select(.State.Running)]
  | map(.name = (.Name | ltrimstr("/")))
  | map((.Config.Labels["com.docker.swarm.task.id"]? // "") as $task
      | .place = if $task == "" then .name else .name | rtrimstr("." + $task) end)
  | group_by(.place)[] | max_by(.Created)
  | (.NetworkSettings.Networks // {}) as $networks
  | .name as $name
  | (.place | hostname([$host])) as $hostname
  | {
      ip_address: [$networks[].IPAddress, .NetworkSettings.IPAddress, $networks[].GlobalIPv6Address] | said | first,
      os: .Platform,
      tags: [({host: $host} | facts | pairs), (.Config.Labels // {} | pairs)],
      meta: {
        source: "docker", host: $host, container_id: .Id, image: .Config.Image, image_id: .Image,
        created_at: .Created, started_at: .State.StartedAt,
        addresses: ($networks | map_values([.IPAddress, .GlobalIPv6Address] | said) | facts),
        ports: [.NetworkSettings.Ports // {} | to_entries[] | .key as $port
          | .value[]? | "\(.HostIp):\(.HostPort) -> \($port)"],
        labels: .Config.Labels
      }
    }
  | node("container"; $name; $hostname)
' "$work/containers"
register 'running containers'
