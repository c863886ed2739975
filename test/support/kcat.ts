/** kcat, librdkafka's command line client, as Debian packages it. */
import { linesOf } from './java-tools.ts';
import { type RunOptions, runOk } from './child-process.ts';

/** Runs kcat to its end and returns the lines it printed; a failure throws with all it said. */
export async function kcat(bootstrap: string, args: readonly string[], options: RunOptions = {}): Promise<string[]> {
  const { stdout } = await runOk('kcat', ['-b', bootstrap, ...args], options);
  return linesOf(stdout);
}

interface KcatMetadata {
  readonly originating_broker: { readonly id: number };
  readonly controllerid: number;
  readonly brokers: readonly { readonly id: number; readonly name: string }[];
  readonly topics: readonly {
    readonly topic: string;
    readonly error?: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly leader: number;
      readonly replicas: readonly { readonly id: number }[];
      readonly isrs: readonly { readonly id: number }[];
    }[];
  }[];
}

export async function kcatMetadata(bootstrap: string, topic?: string): Promise<KcatMetadata> {
  const [line = ''] = await kcat(bootstrap, ['-L', '-J', ...(topic === undefined ? [] : ['-t', topic])]);
  return JSON.parse(line) as KcatMetadata;
}
