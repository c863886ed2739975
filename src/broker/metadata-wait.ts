/**
 * Waiting until this broker's own metadata shows what the controller has done (Kafka's topic and elect-leader
 * purgatories): a client that is told "created" finds the topic when it asks this broker next.
 */
import type { Clock } from '../lib/clock.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';

/** The controller tells a broker of the cluster right after its registration; without a controller nobody will. */
const FIRST_IMAGE_WAIT_MS = 5_000;

/**
 * Lets a client of a broker that has just started wait until that knows the cluster, or a moment at least: Kafka's
 * brokers say that there is nothing then, and librdkafka gives up the partitions of topics that do not exist.
 */
export function onceTold<T>(metadata: MetadataCache, clock: Clock, answer: () => T | Promise<T>): T | Promise<T> {
  if (metadata.isComplete) return answer();
  return whenMetadataShows(metadata, clock, FIRST_IMAGE_WAIT_MS, () => metadata.isComplete).then(answer);
}

/**
 * Resolves with true as soon as the condition holds, with false when it does not within the time. Looks at once, and
 * again after every update. Each waiting request of a connection holds that connection's turn, so their number is
 * bounded.
 */
export function whenMetadataShows(
  metadata: MetadataCache,
  clock: Clock,
  timeoutMs: number,
  condition: () => boolean,
): Promise<boolean> {
  if (condition()) return Promise.resolve(true);
  if (timeoutMs <= 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const finish = (isShown: boolean): void => {
      unsubscribe();
      timer.cancel();
      resolve(isShown);
    };
    const timer = clock.schedule(timeoutMs, () => finish(condition()));
    const unsubscribe = metadata.onChange(() => {
      if (condition()) finish(true);
    });
  });
}
