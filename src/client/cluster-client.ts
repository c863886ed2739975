/**
 * A command's way to the cluster: finds a broker of the bootstrap list, asks each broker which versions it speaks,
 * and sends requests to the broker that must answer them (Kafka's NetworkClient and KafkaAdminClient).
 *
 * Guarantees: every call ends by its deadline (default.api.timeout.ms, 60 s) with an answer or an ApiError in Java's
 * words; each failed connection is a warning line as Java prints it; the version used is the highest both sides know.
 */
import { lookup } from 'node:dns/promises';
import { type Clock, withTimeout } from '../lib/clock.ts';
import { silentLogger } from '../lib/logger.ts';
import { BrokerClient, ConnectionError } from '../net/broker-client.ts';
import { ApiVersions, Metadata } from '../protocol/messages/index.ts';
import type { Api, RequestIn, ResponseOut } from '../protocol/schema.ts';
import { ApiError } from './api-error.ts';
import { UnreachableBrokers } from './unreachable-brokers.ts';

export interface Node {
  /** Negative for a bootstrap server, whose id is not known yet. */
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface ClusterClientSettings {
  /** host:port,host:port */
  readonly bootstrapServers: string;
  readonly clientId: string;
  /** What Java puts in front of a log line: `AdminClient`, `Producer`, `Consumer`. */
  readonly kind: string;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly apiTimeoutMs: number;
  /** Room for one read; a client that fetches records does better with a megabyte. */
  readonly receiveBufferBytes?: number;
  /** Any broker that may be asked is the bootstrap server first: a broker that asks for its own clients asks itself. */
  readonly prefersBootstrap?: boolean;
  /** Shared by the clients of one command, so that a broker is warned of once for all of them. */
  readonly unreachable?: UnreachableBrokers;
  /** Prints a line of the tool's log. */
  readonly warn: (message: string, logger: string) => void;
}

export type MetadataResponse = ResponseOut<typeof Metadata>;
/** A request, or what it is in the version that both sides turn out to know. */
export type RequestFor<A extends Api> = RequestIn<A> | ((version: number) => RequestIn<A>);
export type VersionRange = { readonly min: number; readonly max: number };

/** Digits and dots, or something with colons: needs no name service. */
const IP_ADDRESS = /^[0-9.]+$|:/;

const MAX_BACKOFF_MS = 1000;
const MIN_BACKOFF_MS = 50;

interface NodeConnection {
  readonly address: string;
  readonly client: BrokerClient;
  /** Asked anew on each connection: the broker behind the address may have been replaced. */
  versions: ReadonlyMap<number, VersionRange> | null;
  asking: Promise<ReadonlyMap<number, VersionRange>> | null;
}

export class ClusterClient {
  readonly #settings: ClusterClientSettings;
  readonly #bootstrap: readonly Node[];
  readonly #connections = new Map<string, NodeConnection>();
  #nodes: readonly Node[] = [];
  #controllerId = -1;
  readonly #unreachable: UnreachableBrokers;
  /** Those who wait for the next try. */
  readonly #pauses = new Set<() => void>();
  #closed = false;

  /** @throws ApiError when the list cannot be read */
  constructor(settings: ClusterClientSettings) {
    this.#settings = settings;
    this.#unreachable = settings.unreachable ?? new UnreachableBrokers();
    this.#bootstrap = parseBootstrapServers(settings.bootstrapServers);
  }

  get clock(): Clock {
    return this.#settings.clock;
  }

  /** Prints a line of the tool's log, as Java's client of this name and id would. */
  warn(message: string, logger: string): void {
    const { kind, clientId, warn } = this.#settings;
    if (!this.#closed) warn(`[${kind} clientId=${clientId}] ${message}`, logger);
  }

  deadline(timeoutMs = this.#settings.apiTimeoutMs): number {
    return this.clock.monotonicMs() + timeoutMs;
  }

  /** Sends to that broker alone. @throws ConnectionError, ApiError when it does not speak the API */
  async send<A extends Api>(node: Node, api: A, request: RequestFor<A>, timeoutMs?: number): Promise<ResponseOut<A>> {
    if (this.#closed) throw new ConnectionError(`The ${this.#settings.kind} was closed`);
    const connection = this.#connection(node);
    const { requestTimeoutMs } = this.#settings;
    const version = pickVersion(api, await this.#versionsWithin(connection, timeoutMs ?? requestTimeoutMs), node);
    const message = typeof request === 'function' ? request(version) : request;
    return connection.client.send(api, version, message, { timeoutMs: timeoutMs ?? requestTimeoutMs });
  }

  /** Sends what the broker does not answer; resolves when the bytes have left. */
  async post<A extends Api>(node: Node, api: A, request: RequestIn<A>): Promise<void> {
    const connection = this.#connection(node);
    const version = pickVersion(api, await this.#versionsOf(connection), node);
    await connection.client.post(api, version, request);
  }

  /** The versions that broker says it speaks, by API key. Connects if need be. @throws ConnectionError */
  versionsOf(node: Node): Promise<ReadonlyMap<number, VersionRange>> {
    return this.#versionsOf(this.#connection(node));
  }

  /**
   * Asks for metadata, of any broker that answers.
   * @param topics null for all
   * @param call Java's name of what is being done, for the text of a timeout
   */
  async metadata(
    topics: readonly string[] | null,
    call: string,
    options: { allowAutoTopicCreation?: boolean; deadline?: number } = {},
  ): Promise<MetadataResponse> {
    const request = metadataRequest(topics, options.allowAutoTopicCreation ?? false);
    return this.#learn(await this.toAny(Metadata, request, call, options.deadline));
  }

  /** Asks each known broker for metadata without topics, once; null when none answers. */
  async metadataAtOnce(): Promise<MetadataResponse | null> {
    const response = await this.#askEach(Metadata, metadataRequest([], false), this.deadline());
    if (response === null) await this.#refuseUnresolvable();
    return response === null ? null : this.#learn(response);
  }

  #learn(response: MetadataResponse): MetadataResponse {
    if (response.brokers.length > 0) {
      this.#nodes = response.brokers.map(toNode);
      this.#unreachable.areBrokersKnown = true;
    }
    this.#controllerId = response.controllerId;
    return response;
  }

  /** Where the search for the cluster begins. */
  get bootstrapNodes(): readonly Node[] {
    return this.#bootstrap;
  }

  /** Some broker is connected: without any, there is nobody to say farewell to. */
  get isConnected(): boolean {
    return [...this.#connections.values()].some(({ client }) => client.isConnected);
  }

  /** Brokers were tried in vain, and none is connected. */
  get isCutOff(): boolean {
    return !this.isConnected && !this.#unreachable.isEmpty;
  }

  /** The brokers of the last metadata. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  nodeById(id: number): Node | undefined {
    return this.#nodes.find((node) => node.id === id);
  }

  /**
   * Sends to whichever broker answers first, known brokers before the bootstrap list; tries again until the deadline.
   */
  async toAny<A extends Api>(
    api: A,
    request: RequestFor<A>,
    call: string,
    deadline = this.deadline(),
  ): Promise<ResponseOut<A>> {
    for (let backoffMs = MIN_BACKOFF_MS; ; backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)) {
      const response = await this.#askEach(api, request, deadline);
      if (response !== null) return response;
      if (this.#closed) throw new ApiError('TimeoutException', `The ${this.#settings.kind} was closed. Call: ${call}`);
      await this.#refuseUnresolvable();
      if (this.clock.monotonicMs() + backoffMs >= deadline) throw timedOut(call);
      await this.#pause(backoffMs);
    }
  }

  /** Ends early when the client is closed. */
  async #pause(delayMs: number): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      const resume = (): void => {
        timer.cancel();
        this.#pauses.delete(resume);
        resolve();
      };
      const timer = this.clock.schedule(delayMs, resume);
      this.#pauses.add(resume);
    });
  }

  /** Asks one broker after the other, each once; null when none answers or the deadline is over. */
  async #askEach<A extends Api>(api: A, request: RequestFor<A>, deadline: number): Promise<ResponseOut<A> | null> {
    for (const node of this.#candidates()) {
      if (this.#closed) return null;
      const response = await this.#attempt(node, api, request, deadline);
      if (response !== null) return response;
      if (this.clock.monotonicMs() >= deadline) return null;
    }
    return null;
  }

  /** Known brokers before the bootstrap list as a rule, those that failed a moment ago after all others. */
  #candidates(): Node[] {
    const nowMs = this.clock.monotonicMs();
    const isShunned = (node: Node): boolean => this.#unreachable.has(addressOf(node), nowMs);
    const nodes = this.#settings.prefersBootstrap
      ? [...this.#bootstrap, ...this.#nodes]
      : [...this.#nodes, ...this.#bootstrap];
    return [...nodes.filter((node) => !isShunned(node)), ...nodes.filter(isShunned)];
  }

  /**
   * Sends to the controller, asking again who that is while `isStale` says that the answer came from a broker that is
   * not.
   * @throws ApiError TimeoutException at the deadline
   */
  async toController<A extends Api>(
    api: A,
    request: RequestFor<A>,
    call: string,
    isStale: (response: ResponseOut<A>) => boolean,
  ): Promise<ResponseOut<A>> {
    const deadline = this.deadline();
    return this.#untilAnswered(call, deadline, async () => {
      await this.metadata([], call, { deadline });
      const controller = this.nodeById(this.#controllerId);
      const response = controller === undefined ? null : await this.#attempt(controller, api, request, deadline);
      return response === null || isStale(response) ? null : response;
    });
  }

  /**
   * Sends to the broker of that id, looking where it is, again and again until the deadline.
   * @throws ApiError TimeoutException, also when there is no such broker by then
   */
  async toBroker<A extends Api>(
    brokerId: number,
    api: A,
    request: RequestFor<A>,
    call: string,
    deadline = this.deadline(),
  ): Promise<ResponseOut<A>> {
    return this.#untilAnswered(call, deadline, async () => {
      await this.metadata([], call, { deadline });
      const node = this.nodeById(brokerId);
      return node === undefined ? null : await this.#attempt(node, api, request, deadline);
    });
  }

  /** Sends to that broker alone, again after a lost connection until the deadline. @throws ApiError TimeoutException */
  async sendRetrying<A extends Api>(
    node: Node,
    api: A,
    request: RequestFor<A>,
    call: string,
    deadline = this.deadline(),
  ): Promise<ResponseOut<A>> {
    return this.#untilAnswered(call, deadline, () => this.#attempt(node, api, request, deadline));
  }

  /** Tries again while there is no answer (null), less and less often. @throws ApiError TimeoutException */
  async #untilAnswered<T>(call: string, deadline: number, attempt: () => Promise<T | null>): Promise<T> {
    for (let backoffMs = MIN_BACKOFF_MS; ; backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)) {
      const answer = await attempt();
      if (answer !== null) return answer;
      if (this.#closed) throw new ApiError('TimeoutException', `The ${this.#settings.kind} was closed. Call: ${call}`);
      if (this.clock.monotonicMs() + backoffMs >= deadline) throw timedOut(call);
      await this.#pause(backoffMs);
    }
  }

  /** null when the connection failed. */
  async #attempt<A extends Api>(
    node: Node,
    api: A,
    request: RequestFor<A>,
    deadline: number,
  ): Promise<ResponseOut<A> | null> {
    try {
      return await this.send(node, api, request, this.timeLeft(deadline));
    } catch (error) {
      await this.#passOver(node, error);
      return null;
    }
  }

  /** Closes all connections, and what is in flight with them; the next request opens another. */
  disconnect(): void {
    for (const { client } of this.#connections.values()) client.close();
    this.#connections.clear();
  }

  close(): void {
    this.#closed = true;
    this.disconnect();
    for (const resume of this.#pauses) resume();
  }

  /** For a request that must be answered by the deadline; request.timeout.ms at most. */
  timeLeft(deadline: number): number {
    return Math.max(1, Math.min(this.#settings.requestTimeoutMs, deadline - this.clock.monotonicMs()));
  }

  #connection(node: Node): NodeConnection {
    const key = addressOf(node);
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const connection: NodeConnection = {
      address: key,
      client: new BrokerClient({
        host: node.host,
        port: node.port,
        clientId: this.#settings.clientId,
        clock: this.clock,
        requestTimeoutMs: this.#settings.requestTimeoutMs,
        logger: silentLogger,
        ...(this.#settings.receiveBufferBytes === undefined
          ? {}
          : { receiveBufferBytes: this.#settings.receiveBufferBytes }),
      }),
      versions: null,
      asking: null,
    };
    this.#connections.set(key, connection);
    return connection;
  }

  /** A broker that takes connections may be too stuck to say anything. */
  #versionsWithin(connection: NodeConnection, timeoutMs: number): Promise<ReadonlyMap<number, VersionRange>> {
    const versions = this.#versionsOf(connection);
    if (connection.asking === null) return versions;
    return withTimeout(this.clock, timeoutMs, versions, () => {
      return new ConnectionError(`${connection.address}: no versions in time`);
    });
  }

  #versionsOf(connection: NodeConnection): Promise<ReadonlyMap<number, VersionRange>> {
    if (connection.versions !== null && connection.client.isConnected) return Promise.resolve(connection.versions);
    connection.asking ??= askVersions(connection.client)
      .then((versions) => {
        connection.versions = versions;
        this.#unreachable.delete(connection.address);
        return versions;
      })
      .finally(() => {
        connection.asking = null;
      });
    return connection.asking;
  }

  /** Warns of a lost connection as Java does; any other error is thrown on. */
  async #passOver(node: Node, error: unknown): Promise<void> {
    if (!(error instanceof ConnectionError)) throw error;
    await this.warnUnreachable(node);
  }

  /** Less and less often for the same broker, at most once a second in the end (reconnect.backoff.max.ms). */
  async warnUnreachable(node: Node): Promise<void> {
    if (this.#closed || !this.#unreachable.add(addressOf(node), this.clock.monotonicMs(), node.id < 0)) return;
    const address = IP_ADDRESS.test(node.host) ? `/${node.host}` : await resolved(node.host);
    const where = `${address ?? node.host}:${node.port}`;
    const message = `Connection to node ${node.id} (${where}) could not be established. Node may not be available.`;
    this.warn(message, 'org.apache.kafka.clients.NetworkClient');
    if (this.#unreachable.isTimeForAdvice(this.clock.monotonicMs()))
      this.warn(
        `No broker answers at ${this.#settings.bootstrapServers}: is one running, and is this its address? Trying on.`,
        'org.apache.kafka.clients.NetworkClient',
      );
  }

  /** As Java, gives up at once when no name of the bootstrap list has an address. */
  async #refuseUnresolvable(): Promise<void> {
    if (this.#nodes.length > 0) return;
    const addresses = await Promise.all(this.#bootstrap.map(({ host }) => resolved(host)));
    if (addresses.every((address) => address === null))
      throw new ApiError('ConfigException', 'No resolvable bootstrap urls given in bootstrap.servers');
  }
}

/** A broker could not be reached, or was lost before it answered: what send() may throw. */
export function isLostConnection(error: unknown): error is Error {
  return error instanceof ConnectionError;
}

function metadataRequest(
  topics: readonly string[] | null,
  allowAutoTopicCreation: boolean,
): RequestIn<typeof Metadata> {
  return { topics: topics === null ? null : topics.map((name) => ({ name })), allowAutoTopicCreation };
}

function addressOf({ host, port }: Node): string {
  return `${host}:${port}`;
}

function toNode(broker: MetadataResponse['brokers'][number]): Node {
  return { id: broker.nodeId, host: broker.host, port: broker.port, rack: broker.rack };
}

function timedOut(call: string): ApiError {
  return new ApiError('TimeoutException', `Timed out waiting for a node assignment. Call: ${call}`);
}

/** `localhost/127.0.0.1` as Java prints an address; null when the name has none. */
async function resolved(host: string): Promise<string | null> {
  try {
    return `${host}/${(await lookup(host)).address}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === 'getaddrinfo') return null;
    throw error;
  }
}

export function parseBootstrapServers(text: string): Node[] {
  const urls = text
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  if (urls.length === 0)
    throw new ApiError('ConfigException', 'No resolvable bootstrap urls given in bootstrap.servers');
  return urls.map((url, index) => {
    const match = /^(?:[a-zA-Z_]+:\/\/)?\[?([0-9a-zA-Z\-%._:]*)\]?:(\d+)$/.exec(url);
    const host = match?.[1] ?? '';
    const port = Number(match?.[2]);
    if (host === '' || port > 65535) throw new ApiError('ConfigException', `Invalid url in bootstrap.servers: ${url}`);
    return { id: -1 - index, host, port, rack: null };
  });
}

/** The first question on a connection; a broker that cannot answer in its flexible form is asked again in v0. */
async function askVersions(client: BrokerClient): Promise<ReadonlyMap<number, VersionRange>> {
  const software = { clientSoftwareName: 'barnabas', clientSoftwareVersion: '0.1.0' };
  let response: ResponseOut<typeof ApiVersions>;
  try {
    response = await client.send(ApiVersions, 3, software);
  } catch (error) {
    if (!(error instanceof ConnectionError && error.cause instanceof RangeError)) throw error;
    response = await client.send(ApiVersions, 0, {});
  }
  if (response.errorCode !== 0) throw ApiError.of(response.errorCode);
  return new Map(
    response.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]),
  );
}

function pickVersion(api: Api, versions: ReadonlyMap<number, VersionRange>, node: Node): number {
  const theirs = versions.get(api.key);
  const ours = { min: api.lowestVersion, max: api.highestVersion };
  if (theirs === undefined)
    throw new ApiError('UnsupportedVersionException', `The node does not support ${api.name.toUpperCase()}`);
  const version = Math.min(theirs.max, ours.max);
  if (version < Math.max(theirs.min, ours.min))
    throw new ApiError(
      'UnsupportedVersionException',
      `Node ${node.id} supports ${api.name} ${theirs.min} to ${theirs.max}, this tool ${ours.min} to ${ours.max}.`,
    );
  return version;
}
