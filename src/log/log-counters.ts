/** @pure What is counted of the logs of a broker, over all directories: plain numbers that grow, and times. */
import { Histogram } from '../lib/histogram.ts';

export class LogCounters {
  /** Of every sync of a log (Kafka's LogFlushStats). */
  readonly flushMs = new Histogram();
}

/** Of the one loop that compacts; the latest values, as Kafka shows them. */
export class CleanerCounters {
  /** Share of the dirtiest log when it was last looked, 0 to 100. */
  maxDirtyPercent = 0;
  /** What stayed of the bytes that were read for the latest log, 0 to 100. */
  recopyPercent = 0;
  lastCleanSeconds = 0;
  lastCleanMs = Number.NEGATIVE_INFINITY;
  maxBufferUtilizationPercent = 0;
  uncleanablePartitions = 0;
}
