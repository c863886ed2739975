/** The one configuration of a running broker, whose fields change in place. */
import { describe, expect, it } from 'vitest';
import { LiveConfig } from '../../../src/broker/live-config.ts';
import { brokerConfigFrom } from '../../../src/config/broker-config.ts';
import { silentLogger } from '../../../src/lib/logger.ts';

function newLive(values: Record<string, string> = {}) {
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => errors.push(message) };
  const live = new LiveConfig(brokerConfigFrom({ 'zookeeper.connect': 'z:2181', ...values }), logger);
  const changes: number[] = [];
  live.onChange((before) => changes.push(before.logSegmentBytes));
  return { live, errors, changes };
}

describe('the live configuration', () => {
  it('changes in place, and back, and tells what it was', () => {
    const { live, changes, errors } = newLive({ 'log.segment.bytes': '1000' });
    const { config } = live;
    live.takeBrokerId(7);
    live.accept('cluster', new Map([['log.segment.bytes', '2000']]));
    live.accept('broker', new Map([['log.segment.bytes', '3000']]));
    live.accept('broker', new Map([['log.segment.bytes', '3000']]));
    expect(config).toMatchObject({ logSegmentBytes: 3000, brokerId: 7 });
    live.accept('broker', new Map());
    expect(config.logSegmentBytes).toBe(2000);
    live.accept('cluster', new Map());
    expect(config.logSegmentBytes).toBe(1000);
    expect(config.originals.get('log.segment.bytes')).toBe('1000');
    expect(changes).toEqual([1000, 2000, 3000, 2000]);
    expect(errors).toEqual([]);
  });

  it('uses what it can of what is stored, and says what it cannot', () => {
    const { live, errors } = newLive();
    live.accept(
      'broker',
      new Map([
        ['log.segment.bytes', '2000'],
        ['log.retention.ms', 'x'],
        ['other', '1'],
      ]),
    );
    expect(live.config).toMatchObject({ logSegmentBytes: 2000, logRetentionMs: 604_800_000 });
    expect(errors).toEqual([expect.stringContaining('log.retention.ms, other')]);
  });

  it('takes as much as goes together when not all of it does', () => {
    const { live, changes, errors } = newLive();
    live.accept('broker', new Map([['log.segment.bytes', '2000']]));
    live.accept(
      'broker',
      new Map([
        ['log.segment.bytes', '3000'],
        ['log.retention.ms', '0'],
      ]),
    );
    expect(live.config).toMatchObject({ logSegmentBytes: 3000, logRetentionMs: 604_800_000 });
    expect(live.config.dynamic.broker).toEqual(new Map([['log.segment.bytes', '3000']]));
    expect(changes).toHaveLength(2);
    expect(errors).toHaveLength(2);
  });

  it('is the same in whatever order the levels were read', () => {
    const perIp = ['cluster', new Map([['max.connections.per.ip', '0']])] as const;
    const exceptions = ['broker', new Map([['max.connections.per.ip.overrides', '127.0.0.1:5']])] as const;
    const [one, other] = [newLive().live, newLive().live];
    for (const [level, stored] of [perIp, exceptions]) one.accept(level, stored);
    for (const [level, stored] of [exceptions, perIp]) other.accept(level, stored);
    expect(one.config).toEqual(other.config);
    expect(one.config.maxConnectionsPerIp).toBe(0);
    one.accept('broker', new Map());
    expect(one.config.maxConnectionsPerIp).toBe(2_147_483_647);
  });
});
