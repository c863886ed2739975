/** A read that waits for the index file of a segment, while the segment leaves the log and its files change names. */
import { expect, it } from 'vitest';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { createSegment } from '../../../src/log/segment-factory.ts';
import { RecordBatch } from '../../../src/protocol/records/batch.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { aBatch, aLogConfig, aStoredBatch, createLog, loadManager, readBatches } from '../../support/logs.ts';

const CONFIG = aLogConfig({ segmentBytes: 1000, indexIntervalBytes: 0, retentionBytes: 0 });
const END = 40;

/** Several segments, all of it committed; of the indexes only the ends are in memory. */
async function aLogAtRest(): Promise<PartitionLog> {
  const log = createLog(await loadManager({ disk: new CrashDisk() }, CONFIG), CONFIG);
  for (let offset = 0; offset < END; offset++) log.appendAsLeader(aBatch({ values: [`v${offset}`] }), 0, 'client', 0);
  await log.flush();
  log.updateHighWatermark(END);
  for (const segment of log.segments.all) segment.rest();
  return log;
}

async function compactFirst(log: PartitionLog): Promise<() => void> {
  const { first } = log.segments;
  const cleaned = createSegment(log.directory.services, log.path, first.baseOffset, 0, '.cleaned');
  const lastOffset = log.segments.all[1]!.baseOffset - 1;
  cleaned.append([new RecordBatch(aStoredBatch(lastOffset, 0, { values: ['last'] }))], 0);
  cleaned.finish();
  await cleaned.sync();
  return () => log.replaceSegments([first], [cleaned]);
}

it.each([
  { what: 'retention removes', prepare: async (log: PartitionLog) => () => log.deleteOldSegments(0) },
  { what: 'compaction replaces', prepare: compactFirst },
  { what: 'a new leader makes us cut off', prepare: async (log: PartitionLog) => () => log.truncateTo(0) },
])('finds nothing in a segment that $what, and the disk stays in service', async ({ prepare }) => {
  const log = await aLogAtRest();
  const act = await prepare(log);
  const slice = log.read(3, { maxBytes: 100, endOffset: END, minOneBatch: true });
  expect(slice.isHot).toBe(false);
  const loading = slice.load();
  act();
  expect((await loading).sizeBytes).toBe(0);
  expect(log.directory.isOffline).toBe(false);
  await readBatches(log, log.logStartOffset);
});
