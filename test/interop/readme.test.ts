/** What README.md tells people to paste into a shell does what it says there, word for word. */
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runOk } from '../support/child-process.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { readmeSteps } from '../support/readme.ts';
import { useCluster } from '../support/use-cluster.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FIRST_PORT = 9092;
const FIRST_HTTP_PORT = 8081;

describe('README.md', () => {
  const cluster = useCluster({ overrides: WITH_HTTP });

  /** The ports of npm start are those of this cluster. */
  function here(commands: string): string {
    let staged = commands;
    for (const [index, broker] of cluster().brokers.entries())
      staged = staged
        .replaceAll(`localhost:${FIRST_PORT + index}`, broker.address)
        .replaceAll(`localhost:${FIRST_HTTP_PORT + index}`, httpAddress(broker).slice('http://'.length));
    return staged;
  }

  it('the tutorial with Avro: two versions of a schema, and what does not fit is refused', async () => {
    const steps = readmeSteps('The tutorial with Avro');
    expect(steps.length).toBeGreaterThan(6);
    for (const { commands, output } of steps) {
      const { stdout } = await runOk('bash', ['-c', `set -e\n${here(commands)}`], { cwd: ROOT, timeoutMs: 60_000 });
      if (output !== null) expect(stdout).toMatch(output);
    }
  });
});
