/**
 * Members of a consumer group, each a process of its own that can be stopped, killed and frozen. What a member says it
 * has processed stays said, whatever becomes of it afterwards.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startProcess } from './child-process.ts';

export interface MemberSettings {
  readonly bootstrap: string;
  readonly group: string;
  readonly topics: readonly string[];
  readonly protocol: 'classic' | 'consumer';
  readonly isCooperative: boolean;
  /** Of the classic protocol; in the new one the broker decides. */
  readonly sessionTimeoutMs: number;
  /** Makes it a static member. */
  readonly instanceId?: string;
}

export type MemberEvent =
  | { readonly name: 'assigned' | 'revoked'; readonly partitions: readonly (readonly [string, number])[] }
  | { readonly name: 'record'; readonly topic: string; readonly partition: number; readonly offset: number };

/** A consumer that somebody else wrote, and how it is run as a member. */
export interface GroupClient {
  readonly name: string;
  command(settings: MemberSettings): Promise<{ readonly command: string; readonly args: readonly string[] }>;
  /** What a line of its output says; nothing for most of the error output. */
  parse(line: string): MemberEvent[];
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  /** Its assignor heeds that members of one group may subscribe to different topics. */
  readonly allowsDifferentTopics: boolean;
  /** It says nothing of what is taken away from it, and in the newer protocol not even what it is given. */
  readonly keepsItsShareToItself?: true;
  /** When it is asked to stop it forgets the record in its hand, whose offset it commits all the same. */
  readonly dropsOneWhenStopped?: true;
  /** It commits what it stood at before it lost and regained a partition, under its new generation. */
  readonly commitsOldOffsets?: true;
  /** A request that is refused because its member was given up ends the whole process, in this protocol. */
  readonly diesWhenGivenUp?: 'consumer';
}

const KEPT_ERROR_LINES = 20;

export class GroupMember {
  readonly name: string;
  /** Everything it said of assignments, in order. */
  readonly changes: Extract<MemberEvent, { name: 'assigned' | 'revoked' }>[] = [];
  readonly #child: ChildProcess;
  readonly #client: GroupClient;
  readonly #onRecord: (topic: string, partition: number, offset: number) => void;
  readonly #errorLines: string[] = [];
  #recordCount = 0;
  readonly #readSinceChange = new Set<string>();
  #wasStopped = false;

  static async start(
    name: string,
    client: GroupClient,
    settings: MemberSettings,
    onRecord: (topic: string, partition: number, offset: number) => void,
  ): Promise<GroupMember> {
    const { command, args } = await client.command(settings);
    const child = startProcess(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    return new GroupMember(name, client, child, onRecord);
  }

  private constructor(
    name: string,
    client: GroupClient,
    child: ChildProcess,
    onRecord: (topic: string, partition: number, offset: number) => void,
  ) {
    this.name = name;
    this.#client = client;
    this.#child = child;
    this.#onRecord = onRecord;
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream?.on('data', (bytes: Buffer) => {
        const lines = (rest + bytes.toString()).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#onLine(line);
      });
    }
  }

  #onLine(line: string): void {
    const events = this.#client.parse(line);
    if (events.length === 0 && line !== '') {
      this.#errorLines.push(line);
      if (this.#errorLines.length > KEPT_ERROR_LINES) this.#errorLines.shift();
    }
    for (const event of events) {
      if (event.name !== 'record') {
        this.changes.push(event);
        this.#readSinceChange.clear();
        continue;
      }
      this.#recordCount++;
      this.#readSinceChange.add(`${event.topic}-${event.partition}`);
      this.#onRecord(event.topic, event.partition, event.offset);
    }
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** It has read from everything it holds since that changed last: no request of a beginner is under way. */
  get isReading(): boolean {
    if (this.#client.keepsItsShareToItself) return this.#readSinceChange.size > 0;
    return this.held.size > 0 && [...this.held].every((partition) => this.#readSinceChange.has(partition));
  }

  /** What it says it holds, if it says it at all. */
  get held(): ReadonlySet<string> {
    const held = new Set<string>();
    for (const { name, partitions } of this.changes)
      for (const [topic, partition] of partitions)
        if (name === 'assigned') held.add(`${topic}-${partition}`);
        else held.delete(`${topic}-${partition}`);
    return held;
  }

  /** How many records it may have forgotten by now. */
  get droppedCount(): number {
    return this.#wasStopped && this.#client.dropsOneWhenStopped ? 1 : 0;
  }

  /** For the report of a failure. */
  report(): string {
    const state = this.isRunning ? 'running' : `ended (${this.#child.exitCode ?? this.#child.signalCode})`;
    const changes = this.changes.slice(-4).map(({ name, partitions }) => `${name} ${partitions.join(' ')}`);
    return [`--- ${this.name}: ${state}, ${this.#recordCount} records`, ...changes, ...this.#errorLines].join('\n');
  }

  /** As its user would: it commits and leaves. How long the process takes to end is its own affair. */
  askToStop(): void {
    this.#wasStopped = true;
    this.#child.kill(this.#client.stopSignal);
  }

  /** The same, until it has ended. */
  async stop(): Promise<void> {
    this.#wasStopped = true;
    await this.#end(this.#client.stopSignal);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    const ended = once(this.#child, 'close');
    this.#child.kill(signal);
    await ended;
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }
}
