#!/bin/sh
# Enters the active droplets of a DigitalOcean account into a team's inventory; docs/INVENTORIES.md.
# shellcheck source=scripts/lib/inventory.sh
. "$(dirname -- "$0")/lib/inventory.sh"

usage() {
  cat <<'END'
usage: digitalocean-inventory.sh [options]

Enters each active droplet into the inventory of a team of Muster. Run it again as often as you like: a droplet is the
same node as long as it has the same name.

  --group NAME    the group of the nodes; left out, they keep theirs
  --suffix NAME   what the hostnames end with
  --jobs N        how many are sent at a time, 1 to 64; 8 if left out
  --dry-run       print what would be sent, a line of JSON for each, and send nothing

environment:
  MUSTER_URL           where Muster is, such as https://muster.example.com
  REGISTRATION_TOKEN   an enrollment token, which admits the kind `droplet`
  DIGITALOCEAN_TOKEN   a token of DigitalOcean's API that may read droplets
  DIGITALOCEAN_URL     where that API is, if not at https://api.digitalocean.com
END
}

begin curl "$@"

digitalocean=${DIGITALOCEAN_URL:-https://api.digitalocean.com} digitalocean=${digitalocean%/}
must_be_safe DIGITALOCEAN_URL "$digitalocean"
case ${DIGITALOCEAN_TOKEN:-} in
  '') wrong 'DIGITALOCEAN_TOKEN is not set; set it to a token of the API of DigitalOcean that may read droplets' ;;
  *[!A-Za-z0-9._~+/=-]*) wrong 'DIGITALOCEAN_TOKEN is no token: it has more than letters, digits and . _ ~ + / = -' ;;
esac
digitalocean_token=$DIGITALOCEAN_TOKEN
unset DIGITALOCEAN_TOKEN

# The page at $1. The token goes through a pipe: arguments are there for everybody on the machine to see.
# shellcheck disable=SC2329 # `persist` calls it
droplets() {
  printf 'header = "Authorization: Bearer %s"\n' "$digitalocean_token" | ask "$1" --config -
}

# The token is for DigitalOcean alone.
origin=${digitalocean#*://} origin=${digitalocean%%://*}://${origin%%/*}
next="$digitalocean/v2/droplets?per_page=200" page=0
while [ -n "$next" ]; do
  page=$((page + 1))
  [ "$page" -le 1000 ] || die 'DigitalOcean has more than 1,000 pages of droplets, or the same ones again'
  answer=$work/page.$page
  persist droplets "$next"
  case $status in
    200) ;;
    000) die "DigitalOcean does not answer: $(cat "$answer")" ;;
    *)
      why=$(jq --raw-output '.message? // ""' "$answer" 2>/dev/null) || why=''
      die "DigitalOcean answers with $status${why:+: $why}; nothing was registered"
      ;;
  esac
  jq --exit-status '.droplets | arrays' "$answer" >"$answer.list" 2>/dev/null ||
    die 'what DigitalOcean answers is no list of droplets; nothing was registered'
  next=$(jq --raw-output '.links.pages.next? // ""' "$answer")
  case $next in
    '' | "$origin"/*) ;;
    *) die "the next page of droplets is not at $origin; nothing was registered" ;;
  esac
done

# Names need not be different: the oldest of a name has it alone, the others have their ids behind it. A droplet is on
# two pages if another one was made meanwhile.
# shellcheck disable=SC2016
nodes '
  [.[][] | select(.status == "active")]
  | unique_by(.id) | group_by(.name | ascii_downcase)[] | to_entries[] | .key as $nth | .value
  | .name as $name
  | ((.name | ascii_downcase) + (if $nth == 0 then "" else "-\(.id)" end) | hostname([$suffix])) as $hostname
  | (.networks // {}) as $networks
  | {
      ip_address: ([(($networks.v4, $networks.v6)[]? | select(.type == "public")), $networks.v4[]?] | map(.ip_address)
        | said | first),
      os: ([.image.distribution, .image.name] | said | join(" ")),
      tags: [.tags[]?, ({region: .region.slug, size: .size_slug} | facts | pairs)],
      meta: {
        source: "digitalocean", id: .id, region: .region.slug, size: .size_slug,
        cpus: .vcpus, memory_mib: .memory, disk_gib: .disk, image: (.image.slug // .image.id), vpc: .vpc_uuid,
        public_addresses: [($networks.v4, $networks.v6)[]? | select(.type == "public").ip_address],
        private_addresses: [($networks.v4, $networks.v6)[]? | select(.type == "private").ip_address],
        features: .features, created_at: .created_at
      }
    }
  | node("droplet"; $name; $hostname)
' "$work"/page.*.list
register 'active droplets'
