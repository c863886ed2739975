"""The AdminClient of confluent-kafka (librdkafka): carries out one command, given as JSON, and prints what came of it."""
import json
import sys

from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

command = json.loads(sys.argv[1])
admin = AdminClient({"bootstrap.servers": command["bootstrap"]})
TIMEOUT_S = 30


def outcome(future, show):
    try:
        return show(future.result(TIMEOUT_S))
    except KafkaException as error:
        return {"error": error.args[0].name()}


def partitions(pairs):
    return None if pairs is None else [TopicPartition(topic, *rest) for topic, *rest in pairs]


def shown_offsets(result):
    rows = ((each.topic, each.partition, each.offset, each.error) for each in result.topic_partitions)
    return sorted(([*row, error and error.name()] for *row, error in rows), key=lambda row: row[:2])


def shown_group(group):
    members = [
        {
            "clientId": member.client_id,
            "host": member.host,
            "instanceId": member.group_instance_id,
            "partitions": sorted([each.topic, each.partition] for each in member.assignment.topic_partitions),
        }
        for member in group.members
    ]
    return {
        "state": group.state.name,
        "assignor": group.partition_assignor,
        "isSimple": group.is_simple_consumer_group,
        "coordinator": group.coordinator.id,
        "members": members,
    }


def list_groups():
    states = {ConsumerGroupState[name] for name in command.get("states", [])}
    result = admin.list_consumer_groups(request_timeout=TIMEOUT_S, states=states).result(TIMEOUT_S)
    return sorted([group.group_id, group.state.name, group.is_simple_consumer_group] for group in result.valid)


def describe():
    futures = admin.describe_consumer_groups(command["groups"], request_timeout=TIMEOUT_S)
    return {group: outcome(future, shown_group) for group, future in futures.items()}


def delete():
    futures = admin.delete_consumer_groups(command["groups"], request_timeout=TIMEOUT_S)
    return {group: outcome(future, lambda _: "deleted") for group, future in futures.items()}


def offsets():
    asked = [ConsumerGroupTopicPartitions(command["group"], partitions(command.get("partitions")))]
    futures = admin.list_consumer_group_offsets(asked, request_timeout=TIMEOUT_S)
    return outcome(futures[command["group"]], shown_offsets)


def alter():
    asked = [ConsumerGroupTopicPartitions(command["group"], partitions(command["partitions"]))]
    futures = admin.alter_consumer_group_offsets(asked, request_timeout=TIMEOUT_S)
    return outcome(futures[command["group"]], shown_offsets)


commands = {"list": list_groups, "describe": describe, "delete": delete, "offsets": offsets, "alter": alter}
print(json.dumps(commands[command["name"]]()))
