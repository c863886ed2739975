#!/bin/sh
# zookeeper-server-start.sh [-daemon] zookeeper.properties
bin=$(dirname "$(readlink -f "$0")")
if [ "$1" != -daemon ]; then
  exec "$bin/launch.sh" src/cli/run.ts zookeeper-server-start "$@"
fi
shift
logs=${LOG_DIR:-$(dirname "$bin")/data/logs}
mkdir -p "$logs"
nohup "$bin/launch.sh" src/cli/run.ts zookeeper-server-start "$@" > "$logs/zookeeper.out" 2>&1 < /dev/null &
