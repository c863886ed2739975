/**
 * CreatePartitions v0-3: gives topics more partitions.
 *
 * Behaviour: each topic by itself. New partitions continue the pattern of the topic's replicas, or take the replicas
 * that the request names for each of them. Fewer or as many partitions as there are: INVALID_PARTITIONS. A topic
 * named twice is INVALID_REQUEST, one being deleted INVALID_TOPIC_EXCEPTION, one being reassigned
 * REASSIGNMENT_IN_PROGRESS. Answered when this broker's metadata shows a leader for every partition, or with
 * REQUEST_TIMED_OUT. Not the controller: NOT_CONTROLLER each.
 */
import type { CreationOutcome } from '../../controller/topic-requests.ts';
import { NO_LEADER } from '../../model/leader-and-isr.ts';
import { type ErrorName, Errors } from '../../protocol/errors.ts';
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts';
import type { Broker } from '../broker.ts';
import { handler } from '../handler.ts';
import { whenMetadataShows } from '../metadata-wait.ts';

export const createPartitions = handler(
  CreatePartitions,
  { versions: '0-3' },
  async ({ broker, monotonicMs }, { topics, timeoutMs, validateOnly }) => {
    const names = new Set(topics.map(({ name }) => name));
    if (!broker.controller.isActive)
      return { results: [...names].map((name) => resultOf(name, 'NOT_CONTROLLER', null)) };
    const repeated = repeatedNames(topics);
    const wanted = topics.filter(({ name }) => !repeated.has(name));
    const outcomes = await broker.controller.createPartitions(wanted, validateOnly);
    const grown = outcomes.filter(({ error }) => error === 'NONE');
    if (!validateOnly && grown.length > 0) {
      const waitMs = timeoutMs <= 0 ? 0 : timeoutMs - (broker.clock.monotonicMs() - monotonicMs);
      const areReady = () => grown.every((outcome) => hasLeaders(broker, outcome));
      await whenMetadataShows(broker.metadata, broker.clock, waitMs, areReady);
    }
    const isTimedOut = (outcome: CreationOutcome): boolean =>
      outcome.error === 'NONE' && !validateOnly && (timeoutMs <= 0 || !hasLeaders(broker, outcome));
    const results = outcomes.map((outcome) =>
      isTimedOut(outcome)
        ? resultOf(outcome.name, 'REQUEST_TIMED_OUT', null)
        : resultOf(outcome.name, outcome.error, outcome.message),
    );
    return {
      results: [
        ...results,
        ...[...repeated].map((name) => resultOf(name, 'INVALID_REQUEST', 'Duplicate topic in request.')),
      ],
    };
  },
);

function repeatedNames(topics: readonly { readonly name: string }[]): Set<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name } of topics) (seen.has(name) ? repeated : seen).add(name);
  return repeated;
}

function resultOf(name: string, error: ErrorName, errorMessage: string | null) {
  return { name, errorCode: Errors[error], errorMessage };
}

function hasLeaders({ metadata }: Broker, { name, assignment }: CreationOutcome): boolean {
  for (const partition of assignment.keys())
    if ((metadata.partition(name, partition)?.leader ?? NO_LEADER) === NO_LEADER) return false;
  return true;
}
