"""Avro through confluent-kafka's serializers and its client of the Schema Registry. Takes one command as JSON:
{"name": "produce", "schema", "values"}, {"name": "consume", "count"} or {"name": "check", "schema"}, each with
"bootstrap", "registry" and "topic"; answers with one line of JSON.
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

from confluent_kafka import Consumer, Producer  # noqa: E402
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer  # noqa: E402
from confluent_kafka.schema_registry.error import SchemaRegistryError  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402


def produce(command, registry, context):
    serialize = AvroSerializer(registry, command["schema"])
    producer = Producer({"bootstrap.servers": command["bootstrap"], "acks": "all"})
    for value in command["values"]:
        producer.produce(command["topic"], value=serialize(value, context))
    return {"left": producer.flush(30)}


def consume(command, registry, context):
    deserialize = AvroDeserializer(registry)
    settings = {"bootstrap.servers": command["bootstrap"], "group.id": "python-avro", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe([command["topic"]])
    values = []
    while len(values) < command["count"]:
        message = consumer.poll(30)
        if message is None or message.error():
            raise RuntimeError(str(message and message.error()))
        values.append(deserialize(message.value(), context))
    consumer.close()
    return {"values": values}


def check(command, registry, _context):
    subject = command["topic"] + "-value"
    schema = Schema(command["schema"], "AVRO")
    latest = registry.get_latest_version(subject)
    answer = {
        "subjects": registry.get_subjects(),
        "versions": registry.get_versions(subject),
        "latest": [latest.version, latest.schema_id],
        "isCompatible": registry.test_compatibility(subject, schema),
    }
    try:
        registry.register_schema(subject, schema)
    except SchemaRegistryError as error:
        answer["refusal"] = [error.http_status_code, error.error_code]
    return answer


def main():
    command = json.loads(sys.argv[1])
    registry = SchemaRegistryClient({"url": command["registry"]})
    context = SerializationContext(command["topic"], MessageField.VALUE)
    print(json.dumps({"produce": produce, "consume": consume, "check": check}[command["name"]](command, registry, context)))


main()
