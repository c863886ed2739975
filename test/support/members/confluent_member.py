"""One member of a consumer group, by confluent-kafka (librdkafka), as a process of its own: see group-clients.ts."""
import json
import signal
import sys

from confluent_kafka import Consumer

settings = json.loads(sys.argv[1])
is_stopping = False


def stop(*_):
    global is_stopping
    is_stopping = True


signal.signal(signal.SIGTERM, stop)


def tell(**event):
    print(json.dumps(event), flush=True)


def pairs(partitions):
    return [[each.topic, each.partition] for each in partitions]


config = {
    "bootstrap.servers": settings["bootstrap"],
    "group.id": settings["group"],
    "auto.offset.reset": "earliest",
    # An offset may be committed once its record was told.
    "enable.auto.offset.store": False,
    "auto.commit.interval.ms": 200,
    "topic.metadata.refresh.interval.ms": 1000,
    "reconnect.backoff.max.ms": 500,
    "group.protocol": settings["protocol"],
}
if settings["protocol"] == "classic":
    config["session.timeout.ms"] = settings["sessionTimeoutMs"]
    config["heartbeat.interval.ms"] = settings["sessionTimeoutMs"] // 10
    config["partition.assignment.strategy"] = "cooperative-sticky" if settings["isCooperative"] else "range,roundrobin"
if "instanceId" in settings:
    config["group.instance.id"] = settings["instanceId"]

consumer = Consumer(config)
consumer.subscribe(
    settings["topics"],
    on_assign=lambda _, partitions: tell(name="assigned", partitions=pairs(partitions)),
    on_revoke=lambda _, partitions: tell(name="revoked", partitions=pairs(partitions)),
    on_lost=lambda _, partitions: tell(name="revoked", partitions=pairs(partitions)),
)
while not is_stopping:
    message = consumer.poll(0.1)
    if message is None:
        continue
    if message.error():
        print(message.error(), file=sys.stderr, flush=True)
        if message.error().fatal():
            break
        continue
    tell(name="record", topic=message.topic(), partition=message.partition(), offset=message.offset())
    consumer.store_offsets(message)
consumer.close()
