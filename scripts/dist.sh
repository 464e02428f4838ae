#!/usr/bin/env bash
# Makes dist/ anew, with what machines install from: the `muster` command for each target that there is, install.sh, which
# knows them by their SHA-256, and SHA256SUMS. Upload all of it to BASE_URL, install.sh last.
#
#   BASE_URL   where it will be: https://downloads.example.com/muster
#   BINARIES   a directory with binaries made elsewhere, named as in dist/. If this machine's own target is among them,
#              nothing is built. It may be dist/ itself
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

targets=(linux-x86_64 linux-aarch64 macos-x86_64 macos-aarch64)

die() {
  echo "dist: $*" >&2
  exit 1
}

own_target() {
  local system machine
  system=$(uname -s) machine=$(uname -m)
  case $system in Linux) system=linux ;; Darwin) system=macos ;; esac
  case $machine in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; esac
  echo "$system-$machine"
}

sums() {
  if command -v sha256sum >/dev/null; then sha256sum -- "$@"; else shasum -a 256 -- "$@"; fi
}

base_url=${BASE_URL:-}
base_url=${base_url%/}
[[ -n $base_url ]] || die 'where will it be? make dist BASE_URL=https://downloads.example.com/muster'
# It is written into a script: nothing in it means anything to a shell.
[[ $base_url =~ ^(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?$ ]] ||
  die "BASE_URL must be an https:// address of plain characters: $base_url"
[[ -z ${BINARIES:-} || -d $BINARIES ]] || die "BINARIES is no directory: $BINARIES"

own=$(own_target)
[[ " ${targets[*]} " == *" $own "* ]] || die "no binary is made for $own. Targets: ${targets[*]}"

# What there is stays until the new one is whole: a build may fail, and BINARIES may be dist/.
new=$PWD/dist.new
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
mkdir "$new"
for target in "${targets[@]}"; do
  file=muster-$target
  if [[ -n ${BINARIES:-} && -f $BINARIES/$file ]]; then
    cp -- "$BINARIES/$file" "$new/$file"
  elif [[ $target == "$own" ]]; then
    command -v cargo >/dev/null || die "Rust (cargo) is missing: install it from https://rustup.rs"
    cargo build --release --locked --package muster-cli
    cp -- "${CARGO_TARGET_DIR:-target}/release/muster" "$new/$file"
  else
    echo "dist: no $file: it is not in BINARIES" >&2
    continue
  fi
  chmod 755 "$new/$file"
done

cd "$new"
checksums=$(sums muster-*)
filled=0
while IFS= read -r line; do
  case $line in
    "BASE_URL=''") line="BASE_URL='$base_url'" filled=$((filled + 1)) ;;
    "CHECKSUMS=''") line="CHECKSUMS='$checksums'" filled=$((filled + 1)) ;;
  esac
  printf '%s\n' "$line"
done <../scripts/install.sh >install.sh
((filled == 2)) || die 'scripts/install.sh has not the two lines that are to be filled in'
chmod 755 install.sh
sums install.sh muster-* >SHA256SUMS
cd ..
rm -rf dist
mv "$new" dist

cat dist/SHA256SUMS
echo "Upload dist/ to $base_url, install.sh last. Then machines join with"
echo "  curl -fsSL $base_url/install.sh | sh -s -- --control https://… --token enrt_…"
