/** Addresses of the API v3 lead to what they are the address of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { V3Links } from '../../../src/rest/v3-links.ts';

const links = new V3Links('http://localhost:8082', 'cluster-1');
const steps = new Set(['', '.', '..']);
const names = fc.string({ unit: 'binary' }).filter((name) => name.isWellFormed() && !steps.has(name));

describe('an address', () => {
  it('of a thing with any name has that name in it', () => {
    fc.assert(
      fc.property(names, names, (group, consumer) => {
        const { pathname, search, hash } = new URL(links.url('consumer-groups', group, 'consumers', consumer));
        const parts = pathname.split('/').slice(1).map(decodeURIComponent);
        expect(parts).toEqual(['v3', 'clusters', 'cluster-1', 'consumer-groups', group, 'consumers', consumer]);
        expect(search + hash).toBe('');
      }),
    );
  });

  it('is as people write it where that can be', () => {
    expect(links.url('topics', 'a.b_c-D', 'partitions', 0)).toBe(
      'http://localhost:8082/v3/clusters/cluster-1/topics/a.b_c-D/partitions/0',
    );
    expect(links.url('consumer-groups', "a:b@c&d=e+f,g;h$i!'()*~", 'lags')).toBe(
      "http://localhost:8082/v3/clusters/cluster-1/consumer-groups/a:b@c&d=e+f,g;h$i!'()*~/lags",
    );
    expect(links.url()).toBe('http://localhost:8082/v3/clusters/cluster-1');
  });

  it('leaves out what has no name', () => {
    expect(links.url('consumer-groups', 'g', 'consumers', '')).toMatch(/\/consumer-groups\/g\/consumers$/);
    expect(links.resource('K', ['a'], ['consumer-group', 'g', 'lag-summary']).metadata.resource_name).toBe(
      'crn:///kafka=cluster-1/consumer-group=g/lag-summary',
    );
  });
});
