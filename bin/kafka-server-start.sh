#!/bin/sh
# kafka-server-start.sh [-daemon] server.properties [--override property=value]*
bin=$(dirname "$(readlink -f "$0")")
if [ "$1" != -daemon ]; then
  exec "$bin/launch.sh" src/main.ts "$@"
fi
shift
logs=${LOG_DIR:-$(dirname "$bin")/data/logs}
mkdir -p "$logs"
nohup "$bin/launch.sh" src/main.ts "$@" > "$logs/kafkaServer.out" 2>&1 < /dev/null &
