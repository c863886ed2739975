/** @pure What the replicas of a broker count: plain numbers that grow, and those of their topics. */
import { TopicCountersTable } from './topic-counters.ts';

export class ReplicaCounters {
  readonly topics = new TopicCountersTable();
  isrShrinks = 0;
  isrExpands = 0;
  failedIsrUpdates = 0;
}
