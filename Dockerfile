# A broker in a container: Node, the checkout, the scripts on PATH with and without .sh. Configured by KAFKA_… variables
# (KAFKA_LOG_DIRS is log.dirs) or by a properties file at /mnt/shared/config/server.properties.
FROM node:24-bookworm

WORKDIR /opt/kafka

COPY package.json package-lock.json ./
# The image has its own Node: the one that npm brings for machines without it is not needed.
RUN npm ci --omit=dev --no-audit --no-fund \
    && rm -rf node_modules/node-linux-* node_modules/node-bin-* node_modules/.bin/node

COPY bin bin
COPY config config
COPY src src

RUN for script in bin/kafka-*.sh bin/zookeeper-*.sh; do \
      ln -s "/opt/kafka/$script" /usr/local/bin/; \
      ln -s "/opt/kafka/$script" "/usr/local/bin/$(basename "$script" .sh)"; \
    done \
    && mkdir -p /var/lib/kafka/data .cache data \
    && chown -R node:node /var/lib/kafka/data .cache data

USER node
# Compiles what the commands and the broker load, once and for all containers. Help and usage end with exit code 1.
RUN for command in kafka-topics kafka-broker-api-versions kafka-server-start; do "$command" --help > /dev/null 2>&1 || true; done

VOLUME /var/lib/kafka/data
EXPOSE 9092 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/kafka/bin/docker-entrypoint.sh"]
