#!/bin/sh
# kafka-server-start.sh [-daemon] server.properties [--override property=value]*
# With -daemon in the background, its output in data/logs/kafkaServer.out (or in $LOG_DIR).
launch=$(dirname "$(readlink -f "$0")")/launch.sh
if [ "$1" = -daemon ] && [ $# -gt 1 ]; then
  shift
  exec "$launch" -daemon kafkaServer.out src/main.ts "$@"
fi
exec "$launch" src/main.ts "$@"
