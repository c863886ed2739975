/**
 * The mark that a log directory was closed in order (CleanShutdownFileHandler). It is taken away at the start of
 * loading, so that a crash while loading is not mistaken for a stop in order (KAFKA-10471), and set again only when
 * every log was closed.
 */
import * as path from 'node:path';
import type { Disk } from '../lib/disk.ts';

const CLEAN_SHUTDOWN = '.kafka_cleanshutdown';

/** Whether the mark was there; it is gone, durably, afterwards. */
export function takeCleanShutdown(disk: Disk, directory: string): boolean {
  const file = path.join(directory, CLEAN_SHUTDOWN);
  if (!disk.exists(file)) return false;
  disk.remove(file);
  disk.syncDirectory(directory);
  return true;
}

export function markCleanShutdown(disk: Disk, directory: string, brokerEpoch: number): void {
  disk.replaceFile(path.join(directory, CLEAN_SHUTDOWN), JSON.stringify({ version: 0, brokerEpoch }));
}
