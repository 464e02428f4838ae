#!/usr/bin/env bash
# Stands for cargo where `make deploy` is rehearsed. A function's binary is one that is built already (BUILT); it is
# pointed to and not copied, since it runs on this machine. What else cargo is asked, cargo (CARGO) answers.
set -euo pipefail

[[ $1 == lambda && $2 == build ]] || exec "$CARGO" "$@"
shift 2
while (($#)); do
  case $1 in
    --package)
      [[ -x $BUILT/$2/bootstrap ]]
      mkdir -p "$CARGO_TARGET_DIR/lambda/$2"
      printf '#!/bin/sh\nexec "%s"\n' "$BUILT/$2/bootstrap" >"$CARGO_TARGET_DIR/lambda/$2/bootstrap"
      chmod +x "$CARGO_TARGET_DIR/lambda/$2/bootstrap"
      shift
      ;;
    # SAM's way of asking for one that deploy.sh has had built.
    --bin)
      [[ -x $CARGO_TARGET_DIR/lambda/$2/bootstrap ]]
      shift
      ;;
  esac
  shift
done
