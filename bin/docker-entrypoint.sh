#!/bin/sh
# What a container runs: a broker, configured by a mounted file and KAFKA_… variables, which go before the file.
# With arguments: --override k=v goes to the broker, anything else is a command (docker run … kafka-topics --list …).
bin=$(dirname "$(readlink -f "$0")")

case "${1-}" in
  '' | --override*) ;;
  *) exec "$@" ;;
esac

for file in /mnt/shared/config/server.properties /etc/kafka/server.properties /bitnami/kafka/config/server.properties; do
  if [ -f "$file" ]; then
    exec "$bin/kafka-server-start.sh" "$file" "$@"
  fi
done

# Without a file: the defaults of the images that people know.
if [ -z "${KAFKA_LOG_DIRS-}${KAFKA_CFG_LOG_DIRS-}" ]; then
  export KAFKA_LOG_DIRS=/var/lib/kafka/data
fi
advertised=${KAFKA_ADVERTISED_LISTENERS-${KAFKA_CFG_ADVERTISED_LISTENERS-}}
if [ -z "${KAFKA_LISTENERS-}${KAFKA_CFG_LISTENERS-}" ] && [ -n "$advertised" ]; then
  KAFKA_LISTENERS=$(echo "$advertised" | sed -E 's|://[^,]*:([0-9]+)|://:\1|g')
  export KAFKA_LISTENERS
fi
exec "$bin/kafka-server-start.sh" /dev/null "$@"
