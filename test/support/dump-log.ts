import { expect } from 'vitest';
import { kafkaTool } from './java-tools.ts';
import { script } from './scripts.ts';

/** Runs our kafka-dump-log and Apache Kafka's over the files, compares what they say word by word and returns it. */
export async function dumpWithBoth(files: readonly string[], ...args: string[]): Promise<string> {
  const all = ['--files', files.join(','), ...args];
  const [ours, theirs] = await Promise.all([script('kafka-dump-log.sh', all), kafkaTool('dumpLog', all)]);
  expect(theirs.exitCode, theirs.stderr).toBe(0);
  expect(ours.exitCode, ours.stderr).toBe(0);
  expect(ours.stdout).toBe(theirs.stdout);
  return theirs.stdout + theirs.stderr;
}
