/** Buffers come back from the pool, never more than it may keep, and never one that somebody still has. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../src/lib/buffer-pool.ts';

describe('the pool of buffers', () => {
  it('gives at least what was asked for, in powers of two', () => {
    const pool = new BufferPool();
    expect(pool.take(1).length).toBe(16 * 1024);
    expect(pool.take(16 * 1024 + 1).length).toBe(32 * 1024);
    expect(pool.take(4 * 1024 * 1024).length).toBe(4 * 1024 * 1024);
    expect(pool.take(4 * 1024 * 1024 + 1).length).toBe(4 * 1024 * 1024 + 1);
  });

  it('uses a buffer again, but keeps no very large or foreign ones', () => {
    const pool = new BufferPool();
    const buffer = pool.take(20_000);
    pool.give(buffer);
    expect(pool.take(30_000)).toBe(buffer);
    pool.give(pool.take(5 * 1024 * 1024));
    pool.give(Buffer.alloc(100));
    expect(pool.idleBytes).toBe(0);
  });

  it('keeps no more than its bound, and no buffer is out twice', () => {
    const step = fc.record({ takes: fc.boolean(), sizeBytes: fc.nat(200_000), which: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pool = new BufferPool(256 * 1024);
        const out: Buffer[] = [];
        for (const { takes, sizeBytes, which } of steps) {
          if (takes) out.push(pool.take(sizeBytes));
          else for (const buffer of out.splice(which % Math.max(1, out.length), 1)) pool.give(buffer);
          expect(pool.idleBytes).toBeLessThanOrEqual(256 * 1024);
          expect(new Set(out).size).toBe(out.length);
        }
      }),
    );
  });
});
