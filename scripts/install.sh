#!/bin/sh
# Installs the `muster` command of one release, and joins with it:
#
#   curl -fsSL https://downloads.example.com/muster/install.sh |
#     sh -s -- --control https://muster.example.com --token enrt_…
#
# Everything is in functions until the last line: of a download that was cut off, nothing is run.
set -eu

# Where the binaries are, and the SHA-256 of each. `make dist` fills them in.
BASE_URL=''
CHECKSUMS=''

# What it says goes to stderr: stdout is `muster up`'s.
say() {
  printf '%s\n' "$*" >&2
}

die() {
  say "install.sh: $*"
  exit 1
}

misused() {
  say "install.sh: $*; see --help"
  exit 2
}

usage() {
  cat <<'END'
Installs the muster command and joins a team with it.

  install.sh [--prefix DIR] [--no-join] [--token enrt_…] [OPTIONS OF muster up]
  install.sh --uninstall [--purge] [--prefix DIR] [--state-dir DIR]

  --prefix DIR  the directory to install into: /usr/local/bin for root, else ~/.local/bin
  --token …     the enrollment token; - reads it from standard input. Also MUSTER_TOKEN, which
                shows in no list of processes. Without one, it installs and does not join
  --no-join     install alone
  --uninstall   stop the service if there is one, and remove the command; the key and the state stay
  --purge       with --uninstall: remove the key and the state, too
  --state-dir DIR  with --uninstall: where they are, if not in the usual directory. Also MUSTER_STATE_DIR

Everything else is handed to `muster up`: --control, --group, --kind, --tag, --hostname, --state-dir, --daemon.
END
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# ---- Where things are

find_prefix() {
  [ -z "$prefix" ] || return 0
  if [ "$(id -u)" = 0 ]; then
    prefix=/usr/local/bin
  else
    [ -n "${HOME:-}" ] || die 'there is no HOME to install into: give --prefix'
    prefix=$HOME/.local/bin
  fi
}

# As `muster` chooses it.
find_state() {
  usual_state=yes
  if [ -n "${MUSTER_STATE_DIR:-}" ]; then
    state=$MUSTER_STATE_DIR usual_state=''
  elif [ "$(id -u)" = 0 ]; then
    state=/var/lib/muster
  elif [ -n "${XDG_STATE_HOME:-}" ]; then
    state=$XDG_STATE_HOME/muster
  elif [ -n "${HOME:-}" ]; then
    state=$HOME/.local/state/muster
  else
    state=''
  fi
}

# ---- Install

# The checksum of the file $1 among those that were filled in; nothing if it is not there.
listed() {
  while read -r sum name; do
    [ "$name" != "$1" ] || printf '%s\n' "$sum"
  done <<END
$CHECKSUMS
END
}

names() {
  while read -r sum name; do
    printf ' %s' "${name#muster-}"
  done <<END
$CHECKSUMS
END
}

find_binary() {
  [ -n "$BASE_URL" ] && [ -n "$CHECKSUMS" ] ||
    die "this copy does not know where the binaries are: \`make dist BASE_URL=https://…\` makes one that does"
  system=$(uname -s) machine=$(uname -m)
  case $system in
    Linux) os=linux ;;
    Darwin) os=macos ;;
    *) os='' ;;
  esac
  case $machine in
    x86_64 | amd64) architecture=x86_64 ;;
    aarch64 | arm64) architecture=aarch64 ;;
    *) architecture='' ;;
  esac
  # Under a kernel of 64 bits all else may have 32.
  if [ "$(getconf LONG_BIT 2>/dev/null)" = 32 ]; then
    architecture='' machine="$machine with 32 bits"
  fi
  # Rosetta says x86_64.
  if [ "$os" = macos ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" = 1 ]; then
    architecture=aarch64
  fi
  binary=muster-$os-$architecture
  expected=$(listed "$binary")
  [ -n "$expected" ] || die "there is no muster for $system on $machine. There is:$(names)"
}

find_sha256() {
  if has sha256sum; then
    sha256='sha256sum'
  elif has shasum; then
    sha256='shasum -a 256'
  elif has openssl; then
    sha256='openssl dgst -sha256 -r'
  else
    die 'nothing here computes SHA-256: install sha256sum, shasum or openssl'
  fi
}

sha256_of() {
  $sha256 <"$1" | cut -d ' ' -f 1
}

# What curl may speak: http only with this very machine.
find_protocol() {
  case $BASE_URL/ in
    *@*) die "$BASE_URL must be a scheme, a host and perhaps a port and a path" ;;
    https://*) protocol='=https' ;;
    http://127.0.0.1[:/]* | http://localhost[:/]* | http://\[::1\][:/]*) protocol='=http' ;;
    *) die "$BASE_URL must begin with https://" ;;
  esac
}

# The temporary file is in the same directory, so that the command is there whole or not at all.
download() {
  has curl || die 'curl is missing: install it'
  find_protocol
  temporary=$(mktemp "$prefix/.muster.XXXXXX") ||
    die "no file can be made in $prefix: give another --prefix, or be root"
  trap 'rm -f "$temporary"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  say "downloading $BASE_URL/$binary"
  curl --fail --silent --show-error --location --proto "$protocol" --proto-redir "$protocol" \
    --connect-timeout 10 --speed-limit 1 --speed-time 30 --retry 3 --output "$temporary" "$BASE_URL/$binary" ||
    die "$binary could not be downloaded; nothing was installed"
  found=$(sha256_of "$temporary")
  [ "$found" = "$expected" ] ||
    die "$binary has the SHA-256 $found and should have $expected; nothing was installed. Fetch install.sh anew: it \
belongs to one release"
  chmod 755 "$temporary"
  "$temporary" --version >/dev/null 2>&1 </dev/null ||
    die "$binary does not run on this machine, perhaps as its C library is too old; nothing was installed"
  mv -f "$temporary" "$target" || die "$target could not be written"
}

install() {
  find_binary
  find_sha256
  mkdir -p "$prefix" || die "$prefix can't be made: give another --prefix, or be root"
  prefix=$(cd "$prefix" && pwd)
  target=$prefix/muster
  [ ! -d "$target" ] || die "$target is a directory: give another --prefix"
  if [ -x "$target" ] && [ "$(sha256_of "$target")" = "$expected" ]; then
    say "$target is there already"
  else
    replaces=''
    [ ! -e "$target" ] || replaces=yes
    download
    say "installed $target"
    [ -z "$replaces" ] || say "An agent that runs is the old one until it is restarted. \`muster up\` restarts the \
service that \`muster up --daemon\` made."
  fi
  case :${PATH:-}: in
    *":$prefix:"*) ;;
    *) say "$prefix is not on PATH. To have it there: export PATH=\"$prefix:\$PATH\"" ;;
  esac
}

# ---- Uninstall

# The state's files, of a directory that may have others'; all of one that is muster's own.
purge_state() {
  # It may be a link, as systemd makes one.
  rm -f "$state/state.json" "$state/session.json" "$state/agent.log" "$state/lock" "$state"/.tmp*
  if [ -n "$usual_state" ]; then
    rm -rf "$state"
  else
    rmdir "$state" 2>/dev/null || say "$state stays: other things are in it"
  fi
}

uninstall() {
  ends=''
  find_state
  target=$prefix/muster
  if [ -f "$target" ]; then
    # Where there is no service, it says so, and that is well.
    said=$("$target" down 2>&1 </dev/null) || ends=failed
    [ -z "$said" ] || say "$said"
    [ -z "$ends" ] || die 'the service could not be ended; nothing was removed'
    say "removing $target"
  else
    say "there is no muster in $prefix; give the --prefix that it was installed with"
  fi
  if [ -n "$state" ] && [ -d "$state" ]; then
    if [ -n "$purge" ]; then
      say "removing $state, with this machine's key"
      say 'Its node stays in the team until an admin removes it.'
    else
      say "keeping $state, with this machine's key; --purge removes it, too"
    fi
  fi
  rm -f "$target" || die "$target can't be removed: be root"
  [ -z "$purge" ] || [ -z "$state" ] || [ ! -d "$state" ] || purge_state
}

# ---- Join

read_token() {
  [ "$token" = - ] || return 0
  IFS= read -r token || :
  [ -n "$token" ] ||
    misused 'there is no token on standard input. If this script came in there, set MUSTER_TOKEN instead'
}

# The token goes through the environment: arguments are there for everybody on the machine to see.
join() {
  MUSTER_TOKEN=$token
  export MUSTER_TOKEN
  exec "$target" up "$@" </dev/null
}

main() {
  # None but `muster up` shall have it.
  token=${MUSTER_TOKEN:-}
  unset MUSTER_TOKEN
  prefix='' joins=yes uninstalls='' purge=''
  # What is not meant for this script goes to the end of the arguments, and remains there.
  left=$#
  while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    case $argument in
      --token | --prefix)
        [ -n "${1:-}" ] && [ "$left" -gt 0 ] || misused "$argument needs a value"
        if [ "$argument" = --token ]; then token=$1; else prefix=$1; fi
        shift
        left=$((left - 1))
        ;;
      --token= | --prefix=) misused "$argument needs a value" ;;
      --token=*) token=${argument#*=} ;;
      --prefix=*) prefix=${argument#*=} ;;
      --no-join) joins='' ;;
      --uninstall) uninstalls=yes ;;
      --purge) purge=yes ;;
      --help | -h)
        usage
        return
        ;;
      *) set -- "$@" "$argument" ;;
    esac
  done
  find_prefix
  if [ -n "$uninstalls" ]; then
    while [ $# -gt 0 ]; do
      case $1 in
        --state-dir=?*) MUSTER_STATE_DIR=${1#*=} ;;
        --state-dir | --state-dir=)
          [ "$1" = --state-dir ] && [ -n "${2:-}" ] || misused '--state-dir needs a value'
          MUSTER_STATE_DIR=$2
          shift
          ;;
        *) misused '--uninstall takes --purge, --prefix and --state-dir alone' ;;
      esac
      shift
    done
    uninstall
    return
  fi
  [ -z "$purge" ] || misused '--purge goes with --uninstall'
  [ -z "$joins" ] || read_token
  install
  if [ -z "$joins" ] || [ -z "$token" ]; then
    say 'Join with: muster up --control https://… --token enrt_…'
    return
  fi
  join "$@"
}

# In braces, so that half of the line is no command either.
{ main "$@"; }
