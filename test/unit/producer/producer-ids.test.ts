/** No id twice, the next block in time, and an answer clients can live with when there is none. */
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { type ControllerRequests, ProducerIds } from '../../../src/producer/producer-ids.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { ManualClock } from '../../support/manual-clock.ts';

interface Answer {
  readonly errorCode?: number;
  readonly start?: number;
  readonly length?: number;
}

function producerIds(answer: (request: number) => Promise<Answer>) {
  const clock = new ManualClock();
  const requests: unknown[] = [];
  const controller: ControllerRequests = {
    async send(_api, _version, request) {
      requests.push(request);
      const { errorCode = 0, start = 0, length = 0 } = await answer(requests.length);
      return { throttleTimeMs: 0, errorCode, producerIdStart: start, producerIdLen: length } as never;
    },
  };
  const options = { brokerId: 7, brokerEpoch: () => 99, controller, clock, logger: silentLogger };
  return { clock, requests, ids: new ProducerIds({ ...options, waitTimeoutMs: 1000 }) };
}

const blocksOf = (length: number) => async (request: number) => ({ start: request * 1000, length });

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('producer ids', () => {
  it('come from a block in order, and the next block is there before this one ends', async () => {
    const { ids, requests } = producerIds(blocksOf(10));
    const taken: number[] = [];
    for (let count = 0; count < 9; count++) taken.push(await ids.next());
    expect(requests).toEqual([{ brokerId: 7, brokerEpoch: 99 }]);
    taken.push(await ids.next());
    await settle();
    expect(requests.length).toBe(2);
    taken.push(await ids.next());
    expect(taken).toEqual([1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 2000]);
  });

  it('are never given twice, however many ask at once', async () => {
    const { ids } = producerIds(blocksOf(10));
    const taken = await Promise.all(Array.from({ length: 95 }, () => ids.next()));
    expect(new Set(taken).size).toBe(95);
  });

  it('are asked for again when the controller refuses or cannot be reached', async () => {
    const { clock, ids, requests } = producerIds(async (request) => {
      if (request === 1) throw new Error('no controller is known');
      if (request === 2) return { errorCode: Errors.STALE_BROKER_EPOCH };
      if (request === 3) return { start: -5, length: 10 };
      return { start: 40, length: 10 };
    });
    const id = ids.next();
    for (let attempt = 0; attempt < 4; attempt++) {
      await settle();
      clock.advance(50);
    }
    expect(await id).toBe(40);
    expect(requests.length).toBe(4);
  });

  it('that cannot be had in time are COORDINATOR_LOAD_IN_PROGRESS', async () => {
    const hanging = new Deferred<Answer>();
    const { clock, ids } = producerIds(() => hanging.promise);
    const id = ids.next();
    const refused = expect(id).rejects.toMatchObject({ error: 'COORDINATOR_LOAD_IN_PROGRESS' });
    clock.advance(2000);
    hanging.reject(new Error('timed out'));
    await refused;
  });
});
