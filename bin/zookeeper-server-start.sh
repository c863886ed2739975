#!/bin/sh
# zookeeper-server-start.sh [-daemon] zookeeper.properties
# With -daemon in the background, its output in data/logs/zookeeper.out (or in $LOG_DIR).
launch=$(dirname "$(readlink -f "$0")")/launch.sh
if [ "$1" = -daemon ]; then
  shift
  if [ $# -gt 0 ]; then
    exec "$launch" -daemon zookeeper.out src/cli/run.ts zookeeper-server-start "$@"
  fi
fi
exec "$launch" src/cli/run.ts zookeeper-server-start "$@"
