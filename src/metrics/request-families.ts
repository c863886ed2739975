/** @pure Kafka's RequestMetrics, RequestChannel and the requests that wait (DelayedOperationPurgatory), by API. */
import { Histogram } from '../lib/histogram.ts';
import type { Dialects } from './dialect.ts';
import { gauge, labelled, labelsOf, type MetricFamily, type Sample } from './family.ts';
import type { ApiNumbers, MetricSources } from './sources.ts';

const PREFIX = 'kafka_network_requestmetrics_';

const HISTOGRAMS: readonly (readonly [name: string, read: (api: ApiNumbers) => Histogram, help: string])[] = [
  ['totaltimems', ({ totalMs }) => totalMs, 'From the last byte of a request until its reply was sent, milliseconds'],
  ['requestqueuetimems', ({ queueMs }) => queueMs, 'Until a request was taken up, milliseconds'],
  ['localtimems', ({ localMs }) => localMs, 'Work of this broker on a request, milliseconds'],
  ['remotetimems', ({ remoteMs }) => remoteMs, 'Waiting for others, milliseconds'],
  ['responsequeuetimems', ({ responseQueueMs }) => responseQueueMs, 'Waiting of a reply for its turn, milliseconds'],
  ['responsesendtimems', ({ sendMs }) => sendMs, 'Sending of a reply, milliseconds'],
  ['requestbytes', ({ requestBytes }) => requestBytes, 'Size of a request'],
  ['responsebytes', ({ responseBytes }) => responseBytes, 'Size of a reply'],
];

/** Nobody is throttled here, and conversions take no memory or time worth a measurement. */
const NOTHING = new Histogram();
const NEVER: readonly (readonly [name: string, help: string])[] = [
  ['throttletimems', 'Waiting for a quota, milliseconds'],
  ['temporarymemorybytes', 'Memory for conversions'],
  ['messageconversionstimems', 'Time of conversions, milliseconds'],
];

const WAITING: readonly (readonly [operation: string, api: string])[] = [
  ['Produce', 'Produce'],
  ['Fetch', 'Fetch'],
  ['Heartbeat', 'Heartbeat'],
  ['DeleteRecords', 'DeleteRecords'],
  ['ElectLeader', 'ElectLeaders'],
];

export function requestFamilies({ requests, sockets, groups }: MetricSources, dialects: Dialects): MetricFamily[] {
  const families = HISTOGRAMS.flatMap(([name, read, help]) =>
    dialects.histogram(PREFIX + name, help, function* () {
      for (const api of requests.all) yield [{ request: api.name }, read(api)];
    }),
  );
  const never = NEVER.flatMap(([name, help]) =>
    dialects.histogram(PREFIX + name, help, () => requests.all.map(({ name: request }) => [{ request }, NOTHING])),
  );
  return [
    ...dialects.meter(`${PREFIX}requests`, 'Requests', function* (): Generator<Sample, void, undefined> {
      for (const { name, requests: byVersion } of requests.all)
        for (const [version, count] of byVersion.entries())
          if (count !== undefined) yield [labelsOf({ request: name, version }), count];
    }),
    ...dialects.meter(`${PREFIX}errors`, 'Errors in replies, NONE among them', function* () {
      for (const { name, errors } of requests.all)
        for (const [error, count] of errors) yield [labelsOf({ request: name, error }), count];
    }),
    ...families,
    ...never,
    gauge('kafka_network_requestchannel_requestqueuesize', 'Connections with a request that may not start yet', () => {
      let held = 0;
      for (const { isHoldingRequest } of sockets.connections) if (isHoldingRequest) held++;
      return held;
    }),
    gauge('kafka_network_requestchannel_responsequeuesize', 'Connections with a reply that has not left', () => {
      let unsent = 0;
      for (const { unsentBytes } of sockets.connections) if (unsentBytes > 0) unsent++;
      return unsent;
    }),
    ...['purgatorysize', 'numdelayedoperations'].map((name) =>
      labelled('gauge', `kafka_server_delayedoperationpurgatory_${name}`, 'Requests that wait', function* () {
        for (const [delayedOperation, api] of WAITING)
          yield [labelsOf({ delayedOperation }), requests.of(api)?.pending ?? 0] as const;
        yield [labelsOf({ delayedOperation: 'Rebalance' }), groups.waitingCount] as const;
      }),
    ),
  ];
}
