/**
 * Topics that come into being because a client asked for them (Kafka's AutoTopicCreationManager): asks the controller
 * for them with the broker's defaults. A topic is asked for once at a time, however many clients want it.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import {
  GROUP_METADATA_TOPIC_NAME,
  invalidTopicName,
  SCHEMAS_TOPIC_NAME,
  TRANSACTION_STATE_TOPIC_NAME,
} from '../model/topic-names.ts';
import { Deferred } from '../lib/deferred.ts';
import type { Logger } from '../lib/logger.ts';
import { type ErrorName, Errors, errorName } from '../protocol/errors.ts';
import { CreateTopics } from '../protocol/messages/19-create-topics.ts';
import type { Api, RequestIn, ResponseOut } from '../protocol/schema.ts';

/** The way to the controller; net's ControllerChannel fits. */
export interface ControllerRequests {
  send<A extends Api>(
    api: A,
    version: number,
    request: RequestIn<A>,
    options?: { readonly timeoutMs?: number; readonly retryWhen?: (response: ResponseOut<A>) => boolean },
  ): Promise<ResponseOut<A>>;
}

export interface AutoTopicCreationOptions {
  readonly config: Pick<
    BrokerConfig,
    | 'numPartitions'
    | 'defaultReplicationFactor'
    | 'requestTimeoutMs'
    | 'offsetsTopicNumPartitions'
    | 'offsetsTopicReplicationFactor'
    | 'transactionStateLogNumPartitions'
    | 'transactionStateLogReplicationFactor'
    | 'transactionStateLogMinIsr'
    | 'transactionStateLogSegmentBytes'
    | 'offsetsTopicSegmentBytes'
  >;
  readonly controller: ControllerRequests;
  /** The brokers that this one knows to be alive. */
  readonly brokerCount: () => number;
  readonly logger: Logger;
}

type TopicToCreate = RequestIn<typeof CreateTopics>['topics'][number];
type CreatedTopic = ResponseOut<typeof CreateTopics>['topics'][number];

const CREATE_TOPICS_VERSION = 7;
const SCHEMAS_REPLICATION_FACTOR = 3;
/** Topics being created at the same time; more are answered as if they were, and the client asks again. */
const MAX_IN_FLIGHT = 1000;
/** While there is no controller a client is better told to ask again than kept waiting until it gives up. */
const MAX_WAIT_MS = 5_000;

export class AutoTopicCreation {
  readonly #options: AutoTopicCreationOptions;
  readonly #inFlight = new Map<string, Promise<ErrorName>>();

  constructor(options: AutoTopicCreationOptions) {
    this.#options = options;
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  /**
   * What to tell the client of each topic, in Metadata's words: LEADER_NOT_AVAILABLE for one that is there now or is
   * about to be (the client asks again), or why it cannot be created. Never rejects.
   */
  async create(topics: Iterable<string>): Promise<Map<string, ErrorName>> {
    const wanted: string[] = [];
    const answers = new Map<string, ErrorName | Promise<ErrorName>>();
    for (const topic of topics) {
      const known = invalidTopicName(topic) === null ? this.#inFlight.get(topic) : 'INVALID_TOPIC_EXCEPTION';
      if (known !== undefined) answers.set(topic, known);
      else if (this.#inFlight.size + wanted.length >= MAX_IN_FLIGHT) answers.set(topic, 'LEADER_NOT_AVAILABLE');
      else if (!answers.has(topic)) wanted.push(topic);
    }
    for (const [topic, answer] of this.#start(new Set(wanted))) answers.set(topic, answer);
    const settled = new Map<string, ErrorName>();
    for (const [topic, answer] of answers) settled.set(topic, await answer);
    return settled;
  }

  #start(topics: ReadonlySet<string>): Map<string, Promise<ErrorName>> {
    const waiting = new Map([...topics].map((topic) => [topic, new Deferred<ErrorName>()]));
    if (topics.size === 0) return new Map();
    const promises = new Map([...waiting].map(([topic, { promise }]) => [topic, promise]));
    for (const [topic, promise] of promises) this.#inFlight.set(topic, promise);
    this.#request([...topics]).then(
      (answers) => {
        for (const [topic, { resolve }] of waiting) {
          this.#inFlight.delete(topic);
          resolve(answers.get(topic) ?? 'LEADER_NOT_AVAILABLE');
        }
      },
      (error: unknown) => {
        // No controller to be reached, or it was lost: whether the topics will be there the client finds out by asking.
        this.#options.logger.warn(`Auto topic creation failed for ${[...topics].join(', ')}`, error);
        for (const [topic, { resolve }] of waiting) {
          this.#inFlight.delete(topic);
          resolve('LEADER_NOT_AVAILABLE');
        }
      },
    );
    return promises;
  }

  async #request(names: readonly string[]): Promise<Map<string, ErrorName>> {
    const { config, controller, logger } = this.#options;
    // No waiting for the leaders: the client asks for them anyway.
    const request = { timeoutMs: 0, topics: names.map((name) => this.#defaultsOf(name)) };
    const response = await controller.send(CreateTopics, CREATE_TOPICS_VERSION, request, {
      timeoutMs: Math.min(config.requestTimeoutMs, MAX_WAIT_MS),
      retryWhen: ({ topics }) => topics.some(({ errorCode }) => errorCode === Errors.NOT_CONTROLLER),
    });
    logger.info(`Sent auto-creation request for ${names.join(', ')} to the active controller.`);
    return new Map(response.topics.map((topic) => [topic.name, this.#judge(topic)]));
  }

  #judge({ name, errorCode, errorMessage }: CreatedTopic): ErrorName {
    const error = errorName(errorCode);
    switch (error) {
      // Timed out is the controller's word for created but not led yet, since it was asked not to wait.
      case 'NONE':
      case 'TOPIC_ALREADY_EXISTS':
      case 'REQUEST_TIMED_OUT':
      case 'NOT_CONTROLLER':
        return 'LEADER_NOT_AVAILABLE';
      default:
        this.#options.logger.warn(`Auto topic creation of ${name} was refused: ${error} ${errorMessage ?? ''}`);
        return error;
    }
  }

  #defaultsOf(name: string): TopicToCreate {
    const { config } = this.#options;
    if (name === GROUP_METADATA_TOPIC_NAME) {
      return {
        name,
        numPartitions: config.offsetsTopicNumPartitions,
        replicationFactor: config.offsetsTopicReplicationFactor,
        configs: [
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'segment.bytes', value: String(config.offsetsTopicSegmentBytes) },
          { name: 'compression.type', value: 'producer' },
        ],
      };
    }
    if (name === TRANSACTION_STATE_TOPIC_NAME) {
      return {
        name,
        numPartitions: config.transactionStateLogNumPartitions,
        replicationFactor: config.transactionStateLogReplicationFactor,
        configs: [
          { name: 'unclean.leader.election.enable', value: 'false' },
          { name: 'compression.type', value: 'uncompressed' },
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'min.insync.replicas', value: String(config.transactionStateLogMinIsr) },
          { name: 'segment.bytes', value: String(config.transactionStateLogSegmentBytes) },
        ],
      };
    }
    if (name === SCHEMAS_TOPIC_NAME) {
      // As a registry of Confluent makes it: as many replicas as there can be, up to three.
      const replicationFactor = Math.max(1, Math.min(SCHEMAS_REPLICATION_FACTOR, this.#options.brokerCount()));
      return { name, numPartitions: 1, replicationFactor, configs: [{ name: 'cleanup.policy', value: 'compact' }] };
    }
    return { name, numPartitions: config.numPartitions, replicationFactor: config.defaultReplicationFactor };
  }
}
