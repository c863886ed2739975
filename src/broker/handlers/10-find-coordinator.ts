/**
 * FindCoordinator v0-6: which broker coordinates a group.
 *
 * Behaviour: the leader of the group's partition of __consumer_offsets, by this broker's metadata, at the endpoint of
 * the client's own listener. The topic is made when it is first asked for; until its partition has a leader, and while
 * the topic cannot be made (fewer brokers than offsets.topic.replication.factor), COORDINATOR_NOT_AVAILABLE, upon
 * which clients ask again. A coordinator of transactions is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED: there
 * is none, and this is the one error upon which every client gives up at once instead of asking for ever.
 * Versions: v4 asks for many keys at once (KIP-699), each answered for itself. v6 knows share groups (type 2), of
 * which there are none here.
 */
import { GROUP_METADATA_TOPIC_NAME } from '../../model/topic-names.ts';
import { NO_LEADER } from '../../model/leader-and-isr.ts';
import { type ErrorName, Errors, errorMessage } from '../../protocol/errors.ts';
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts';
import { handler, type RequestContext } from '../handler.ts';

const KEY_TYPES = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const;
const FIRST_VERSION = { keys: 4, shareGroups: 6 } as const;

interface Coordinator {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export const findCoordinator = handler(FindCoordinator, { versions: '0-6' }, (context, request) => {
  const { version, broker } = context;
  const answer = () => {
    if (version < FIRST_VERSION.keys) return { ...find(context, request.keyType, request.key), coordinators: [] };
    const coordinators = request.coordinatorKeys.map((key) => ({ key, ...find(context, request.keyType, key) }));
    return { errorCode: Errors.NONE, nodeId: 0, host: '', port: 0, coordinators };
  };
  if (request.keyType !== KEY_TYPES.GROUP || broker.metadata.image.topics.has(GROUP_METADATA_TOPIC_NAME)) {
    return answer();
  }
  return broker.autoTopicCreation.create([GROUP_METADATA_TOPIC_NAME]).then(answer);
});

function find({ broker, connection, version }: RequestContext, keyType: number, key: string): Coordinator {
  switch (keyType) {
    case KEY_TYPES.GROUP:
      break;
    case KEY_TYPES.TRANSACTION:
      return none('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'This broker does not coordinate transactions.');
    case KEY_TYPES.SHARE:
      return none(version < FIRST_VERSION.shareGroups ? 'INVALID_REQUEST' : 'COORDINATOR_NOT_AVAILABLE');
    default:
      return none('INVALID_REQUEST', `Unknown coordinator type ${keyType}`);
  }
  const partition = broker.groups.partitionFor(key);
  if (partition === null) return none('COORDINATOR_NOT_AVAILABLE');
  const leader = broker.metadata.partition(GROUP_METADATA_TOPIC_NAME, partition)?.leader ?? NO_LEADER;
  const endpoint = broker.metadata.endpoint(leader, connection.listenerName);
  if (endpoint === undefined) return none('COORDINATOR_NOT_AVAILABLE');
  const { host, port } = endpoint;
  // Kafka's own texts for success, which some clients print.
  const message = version < FIRST_VERSION.keys ? 'NONE' : '';
  return { nodeId: leader, host, port, errorCode: Errors.NONE, errorMessage: message };
}

function none(error: ErrorName, message = errorMessage(error)): Coordinator {
  return { nodeId: -1, host: '', port: -1, errorCode: Errors[error], errorMessage: message };
}
