/** A real Prometheus with the project's own configuration, that scrapes a test cluster; Debian's package brings it. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { startProcess } from './child-process.ts';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { httpAddress } from './http-address.ts';

export const PROMETHEUS_CONFIG = path.resolve(import.meta.dirname, '../../config/prometheus');

interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly metric: Readonly<Record<string, string>> }[] };
}

export class Prometheus {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #address: string;

  private constructor(child: ChildProcess, directory: string, address: string) {
    this.#child = child;
    this.#directory = directory;
    this.#address = address;
  }

  /** The configuration as it is, but for the targets and the pace: a test does not wait for quarters of minutes. */
  static async start(cluster: TestCluster): Promise<Prometheus> {
    const directory = mkdtempSync(path.join(tmpdir(), `barnabas-prometheus-${process.pid}-`));
    cpSync(PROMETHEUS_CONFIG, directory, { recursive: true });
    const configFile = path.join(directory, 'prometheus.yml');
    writeFileSync(configFile, readFileSync(configFile, 'utf8').replaceAll(': 15s', ': 1s'));
    const targets = cluster.brokers.map((broker, index) => ({
      targets: [httpAddress(broker).slice('http://'.length)],
      labels: { broker: String(broker.id), ...(index === 0 && { exporter: 'yes' }) },
    }));
    // JSON is YAML.
    writeFileSync(path.join(directory, 'targets/brokers.yml'), JSON.stringify(targets));
    const listen = `127.0.0.1:${await freePort()}`;
    const child = startProcess(
      'prometheus',
      [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${path.join(directory, 'data')}`,
        `--web.listen-address=${listen}`,
      ],
      { stdio: 'ignore', cwd: directory },
    );
    const prometheus = new Prometheus(child, directory, `http://${listen}`);
    await eventually(async () => (await fetch(`http://${listen}/-/ready`)).ok, { what: 'Prometheus is ready' });
    return prometheus;
  }

  /** The series that the expression gives now. Throws when Prometheus does not understand it. */
  async query(expression: string): Promise<readonly Readonly<Record<string, string>>[]> {
    const response = await fetch(`${this.#address}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const answer = (await response.json()) as QueryAnswer;
    if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`);
    return (answer.data?.result ?? []).map(({ metric }) => metric);
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
