/** A broker that is started again before the cluster has noticed that it was killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { useCluster } from '../support/use-cluster.ts';
import { describeCluster, whenLed } from '../support/wire-client.ts';

const cluster = useCluster();
const PATIENCE = { connectTimeout: 500, requestTimeout: 10_000 };
const TOPIC = 'early';
const NONE = 0;
const LEADER_NOT_AVAILABLE = 5;

it('answers nobody before it is a member again, and then knows the cluster', async () => {
  await createTopic(cluster(), TOPIC);
  const broker = cluster().broker(await whenLed(cluster(), TOPIC, 0));
  await broker.kill();
  let isStarted = false;
  const starting = broker.start().then(() => {
    isStarted = true;
  });
  const answers: (number | 'none')[] = [];
  while (!isStarted) {
    const answer = await describeCluster(broker.address, [TOPIC], PATIENCE).then(
      ({ brokers, topics }) => (brokers.length === 0 ? -1 : (topics[0]?.errorCode ?? -1)),
      () => 'none' as const,
    );
    answers.push(answer);
    await sleep(20);
  }
  await starting;
  expect(answers).toContain('none');
  expect(answers.filter((answer) => answer !== 'none' && answer !== NONE && answer !== LEADER_NOT_AVAILABLE)).toEqual(
    [],
  );
});
