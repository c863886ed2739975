/**
 * A whole cluster's replication under a storm, by seed. SIMULATION_RUNS=2000 plays more of them, SIMULATION_SEED=n
 * others; a failure prints the seed that plays it again.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../support/replication-mutants.ts';
import { SimulatedCluster, type SimulationOptions } from '../../support/simulated-cluster.ts';

const RUNS = Number(process.env['SIMULATION_RUNS'] ?? 60);
const FIRST_SEED = Number(process.env['SIMULATION_SEED'] ?? 1);
const MAX_SEEDS_TO_CATCH = 150;

function play(options: SimulationOptions): ReturnType<SimulatedCluster['run']> {
  return new SimulatedCluster(options).run();
}

describe('a cluster in a storm', () => {
  it('loses nothing that was committed, and comes together again after it', {
    timeout: 60_000 + RUNS * 500,
  }, async () => {
    let acknowledgedCount = 0;
    let electionCount = 0;
    const storm = fc.record({
      seed: fc.nat(),
      isDurable: fc.boolean(),
      hasRealLogs: fc.boolean(),
      minInsyncReplicas: fc.constantFrom(1, 2),
    });
    const holds = fc.asyncProperty(storm, async (options) => {
      const result = await play(options);
      acknowledgedCount += result.acknowledgedCount;
      electionCount += result.electionCount;
      expect(result.violations).toEqual([]);
    });
    await fc.assert(holds, { numRuns: RUNS, seed: FIRST_SEED, endOnFailure: true });
    // A storm in which nothing happens proves nothing.
    expect(acknowledgedCount).toBeGreaterThan(RUNS * 20);
    expect(electionCount).toBeGreaterThan(RUNS * 3);
  });

  it('plays the same storm again from the same seed', async () => {
    const options = { seed: 4711, minInsyncReplicas: 2, isDurable: true };
    expect(await play(options)).toEqual(await play(options));
  });
});

describe('the simulation notices a replica that', () => {
  it.each([...MUTANTS])('%s', { timeout: 60_000 }, async (_name, rules) => {
    for (let seed = 1; seed <= MAX_SEEDS_TO_CATCH; seed++) {
      const { violations } = await play({
        seed,
        rules,
        minInsyncReplicas: 1 + ((seed >> 1) % 2),
        isDurable: seed % 2 === 0,
      });
      if (violations.length > 0) return;
    }
    expect.fail(`nothing noticed in ${MAX_SEEDS_TO_CATCH} storms`);
  });
});
