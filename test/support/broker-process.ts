/**
 * One broker as a process of its own, to be killed, frozen, stopped and started again. It keeps its port, its id and
 * its data directory over its lives. A death nobody asked for is remembered and fails the test that owns the cluster.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, writeFileSync, type WriteStream } from 'node:fs';
import * as path from 'node:path';
import { startProcess } from './child-process.ts';
import { COMPILE_CACHE, type Implementation, launchCommand, READY, type RuntimeArguments } from './implementation.ts';

const OUTPUT_KEPT = 200_000;

/** What must never be in a broker's log, whatever is done to the cluster around it. */
const FAULTS = /handler fault|AssertionError|unhandled ?rejection|uncaught ?exception|heap out of memory/i;

export interface BrokerSetup {
  readonly id: number;
  readonly port: number;
  readonly directory: string;
  readonly implementation: Implementation;
  readonly properties: ReadonlyMap<string, string>;
  readonly runtime?: RuntimeArguments;
}

export class BrokerProcess {
  readonly id: number;
  readonly port: number;
  #implementation: Implementation;
  /** The broker's log.dirs, a single directory. */
  readonly logDirectory: string;
  /** From the spawn of the process to its ready line, milliseconds. */
  startupMs = Number.NaN;
  readonly #propertiesFile: string;
  readonly #properties: Map<string, string>;
  readonly #runtime: RuntimeArguments;
  readonly #unasked: string[] = [];
  readonly #faultLines: string[] = [];
  readonly #logFile: WriteStream;
  #process: ChildProcess | null = null;
  #output = '';
  #mayEnd = false;
  #isFrozen = false;

  constructor(setup: BrokerSetup) {
    this.id = setup.id;
    this.port = setup.port;
    this.#implementation = setup.implementation;
    this.logDirectory = path.join(setup.directory, 'data');
    this.#propertiesFile = path.join(setup.directory, 'server.properties');
    this.#properties = new Map([...setup.properties, ['log.dirs', this.logDirectory]]);
    this.#runtime = setup.runtime ?? {};
    this.#logFile = createWriteStream(path.join(setup.directory, 'broker.log'), { flags: 'a' });
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Of this life of the broker. */
  get implementation(): Implementation {
    return this.#implementation;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error(`broker ${this.id} does not run`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  /** Runs and can answer. */
  get isLive(): boolean {
    return this.isRunning && !this.#isFrozen;
  }

  /** The last of what the broker printed, all its lives together. */
  get output(): string {
    return this.#output;
  }

  /** What went wrong in the broker that no test asked for. */
  get faults(): string[] {
    return [...this.#unasked, ...this.#faultLines].map((line) => `broker ${this.id}: ${line}`);
  }

  /** The next life of this broker is of the other make, with the same id, port and data. */
  turnInto(implementation: Implementation): void {
    this.#implementation = implementation;
  }

  /** Sets a property for the next start. */
  override(key: string, value: string): void {
    this.#properties.set(key, value);
  }

  /** Resolves when the broker has printed its ready line. */
  async start(): Promise<void> {
    for (;;) {
      const child = await this.launch();
      try {
        this.#mayEnd = this.#implementation === 'apache-kafka';
        await this.#whenReady(child);
        this.#mayEnd = false;
        return;
      } catch (error) {
        // Apache Kafka gives up while the session of its killed predecessor lives; Barnabas has to wait for its end.
        if (this.#implementation !== 'apache-kafka' || !this.tail(200).includes('NodeExists')) throw error;
      }
    }
  }

  /** Starts the process and does not wait until it serves. */
  async launch(): Promise<ChildProcess> {
    if (this.#process !== null) throw new Error(`broker ${this.id} runs already`);
    writeFileSync(this.#propertiesFile, [...this.#properties].map(([key, value]) => `${key}=${value}\n`).join(''));
    const { command, args } = await launchCommand(this.#implementation, this.#propertiesFile, this.#runtime);
    const child = startProcess(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: path.dirname(this.#propertiesFile), // Where profiles and crash reports go.
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
    });
    this.#process = child;
    this.#mayEnd = false;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (bytes: Buffer) => {
        const text = bytes.toString();
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
        if (FAULTS.test(text)) this.#faultLines.push(...text.split('\n').filter((line) => FAULTS.test(line)));
        this.#logFile.write(bytes);
      });
    child.once('error', (error) => this.#unasked.push(error.message));
    child.once('exit', (code, signal) => {
      if (this.#process !== child) return;
      this.#process = null;
      if (!this.#mayEnd) this.#unasked.push(`ended unasked, code ${code} signal ${signal}\n${this.tail()}`);
    });
    return child;
  }

  async #whenReady(child: ChildProcess): Promise<void> {
    const startedAt = performance.now();
    let seen = '';
    await new Promise<void>((resolve, reject) => {
      const onData = (bytes: Buffer): void => {
        seen += bytes.toString();
        if (READY.test(seen)) settle(resolve);
      };
      const onExit = (): void => settle(() => reject(new Error(`broker ${this.id} did not start:\n${this.tail()}`)));
      const timer = setTimeout(
        () => settle(() => reject(new Error(`broker ${this.id} is not ready after 120 s:\n${this.tail()}`))),
        120_000,
      );
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        child.stdout?.off('data', onData);
        child.off('exit', onExit);
        how();
      };
      child.stdout?.on('data', onData);
      child.once('exit', onExit);
    });
    this.startupMs = performance.now() - startedAt;
  }

  /** Sends a signal. A deadly one resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const isDeadly = signal !== 'SIGSTOP' && signal !== 'SIGCONT';
    if (isDeadly) this.#mayEnd = true;
    this.#isFrozen = signal === 'SIGSTOP';
    child.kill(signal);
    if (!isDeadly) return;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    if (this.#process === child) this.#process = null;
  }

  /** A controlled shutdown; one that takes longer than a minute is a failure. Returns the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#process;
    if (child === null) return null;
    this.#mayEnd = true;
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#unasked.push(`did not stop within 60 s\n${this.tail()}`);
      child.kill('SIGKILL');
    }, 60_000);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    clearTimeout(timer);
    if (this.#process === child) this.#process = null;
    const isTheWayOfJava = this.#implementation === 'apache-kafka' && child.exitCode === 128 + 15;
    return isTheWayOfJava ? 0 : child.exitCode;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  tail(lineCount = 25): string {
    return this.#output.split('\n').slice(-lineCount).join('\n');
  }

  async close(): Promise<void> {
    await this.kill();
    await new Promise<void>((resolve) => this.#logFile.end(resolve));
  }
}
