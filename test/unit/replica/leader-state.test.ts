/** The leader's rules as scenarios (test/scripts/leader), and how a pending ISR change can end. */
import { describe, expect, it } from 'vitest';
import type { ErrorName } from '../../../src/protocol/errors.ts';
import { type FetchPulse, type LeaderEffect, LeaderState } from '../../../src/replica/leader-state.ts';
import type { IsrProposal, PartitionState } from '../../../src/replica/partition-state.ts';
import { itPlaysScripts, type ScriptArguments, type ScriptCommands } from '../../support/script.ts';

const LAG_MS = 30_000;

function partitionState(overrides: Partial<PartitionState> = {}): PartitionState {
  return {
    leader: 1,
    leaderEpoch: 5,
    isr: [1, 2],
    partitionEpoch: 0,
    leaderRecoveryState: 0,
    controllerEpoch: 1,
    replicas: [1, 2, 3],
    addingReplicas: [],
    removingReplicas: [],
    ...overrides,
  };
}

/** A leader with a log that is only two numbers, and the commands of the scenarios. */
class Stage {
  readonly view = {
    logStartOffset: 0,
    logEndOffset: 0,
    committableEndOffset: 0,
    minInsyncReplicas: 1,
    brokerEpoch: 100,
    dead: new Set<number>(),
    isBrokerAlive(id: number): boolean {
      return !this.dead.has(id);
    },
  };
  nowMs = 0;
  leader!: LeaderState;
  proposal: IsrProposal | null = null;
  readonly pulse: FetchPulse = { lastFetchMs: Number.NEGATIVE_INFINITY };

  elect(state: PartitionState, highWatermark: number, epochStart: number): readonly LeaderEffect[] {
    this.leader = new LeaderState({
      brokerId: 1,
      state,
      view: this.view,
      highWatermark,
      epochStartOffset: epochStart,
      replicaLagTimeMaxMs: LAG_MS,
      nowMs: this.nowMs,
    });
    return this.leader.onElected(this.nowMs);
  }

  setEnd(offset: number): void {
    this.view.logEndOffset = offset;
    this.view.committableEndOffset = offset;
  }

  fetch(replicaId: number, fetchOffset: number, brokerEpoch = 100 + replicaId): readonly LeaderEffect[] {
    const fetch = { replicaId, brokerEpoch, fetchOffset, logStartOffset: 0, pulse: null, isDiverging: false };
    return this.leader.onFollowerFetch(fetch, this.nowMs);
  }

  print(effects: readonly LeaderEffect[]): string {
    return effects
      .map((effect) => {
        if (effect.kind === 'advanceHighWatermark') return `advanceHighWatermark ${effect.highWatermark}`;
        this.proposal = effect.proposal;
        const { kind, partitionEpoch, newIsr } = effect.proposal;
        const members = newIsr.map(({ brokerId, brokerEpoch }) => `${brokerId}@${brokerEpoch}`).join(',');
        const delay = effect.delayMs > 0 ? ` after ${effect.delayMs} ms` : '';
        return `proposeIsr ${kind} (${members}) at partition epoch ${partitionEpoch}${delay}`;
      })
      .join('\n');
  }

  commands(): ScriptCommands {
    const at = (args: ScriptArguments): number => {
      this.nowMs = args.number('now', this.nowMs);
      return this.nowMs;
    };
    const sent = (): IsrProposal => this.proposal ?? expect.fail('nothing was proposed');
    return {
      leader: (args) => {
        at(args);
        this.setEnd(args.number('leo'));
        this.view.minInsyncReplicas = args.number('min-isr', 1);
        const state = partitionState({
          isr: args.numbers('isr'),
          replicas: args.numbers('replicas', '(1,2,3)'),
          leaderEpoch: args.number('epoch', 5),
        });
        return this.print(this.elect(state, args.number('hw'), args.number('epoch-start', args.number('leo'))));
      },
      append: (args) => {
        const previous = this.view.logEndOffset;
        at(args);
        if (args.has('undurable')) this.view.logEndOffset = args.number('leo');
        else this.setEnd(args.number('leo'));
        return this.print(this.leader.onAppended(previous, this.nowMs));
      },
      flushed: (args) => {
        this.view.committableEndOffset = args.number('offset');
        return this.print(this.leader.onWaitOver(at(args)));
      },
      fetch: (args) => {
        at(args);
        const replicaId = args.number('from');
        const brokerEpoch = args.number('broker-epoch', 100 + replicaId);
        if (this.leader.isStaleIncarnation(replicaId, brokerEpoch)) return 'NOT_LEADER_OR_FOLLOWER';
        const effects = this.leader.onFollowerFetch(
          {
            replicaId,
            brokerEpoch,
            fetchOffset: args.number('offset'),
            logStartOffset: 0,
            pulse: args.has('session') ? this.pulse : null,
            isDiverging: args.has('diverging'),
          },
          this.nowMs,
        );
        this.pulse.lastFetchMs = args.has('session') ? this.nowMs : this.pulse.lastFetchMs;
        return this.print(effects);
      },
      'session-fetch': (args) => {
        this.pulse.lastFetchMs = at(args);
        return '';
      },
      'lag-check': (args) => this.print(this.leader.onLagCheck(at(args))),
      accepted: (args) => {
        const answer = {
          leaderEpoch: args.number('epoch', 5),
          partitionEpoch: args.number('partition-epoch'),
          isr: args.numbers('isr'),
          leaderRecoveryState: 0 as const,
        };
        return this.print(this.leader.onProposalAccepted(sent(), answer, at(args)));
      },
      failed: (args) => this.print(this.leader.onProposalFailed(sent(), args.text('error') as ErrorName, at(args))),
      'leader-and-isr': (args) => {
        const state = partitionState({
          isr: args.numbers('isr'),
          partitionEpoch: args.number('partition-epoch'),
          replicas: args.numbers('replicas', '(1,2,3)'),
        });
        return this.print(this.leader.onRefreshed(state, at(args)));
      },
      broker: (args) => {
        if (args.has('dead')) this.view.dead.add(args.number('id'));
        else this.view.dead.delete(args.number('id'));
        return '';
      },
      show: () => {
        const { isr, maximalIsr, highWatermark, isUnderMinIsr } = this.leader;
        const under = isUnderMinIsr ? ', under min isr' : '';
        return `isr (${isr}), maximal (${[...maximalIsr]}), high watermark ${highWatermark}${under}`;
      },
    };
  }
}

describe('a leader', () => {
  itPlaysScripts('test/scripts/leader', () => new Stage().commands());
});

describe('a pending ISR change', () => {
  type Ending = 'committed again' | 'still pending' | 'sent again' | 'sent again after a pause';
  const endings: readonly [ErrorName, Ending][] = [
    ['INELIGIBLE_REPLICA', 'committed again'],
    ['OPERATION_NOT_ATTEMPTED', 'committed again'],
    ['FENCED_LEADER_EPOCH', 'still pending'],
    ['INVALID_UPDATE_VERSION', 'still pending'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'sent again after a pause'],
    ['UNKNOWN_TOPIC_ID', 'sent again after a pause'],
    ['INVALID_REQUEST', 'still pending'],
    ['NEW_LEADER_ELECTED', 'still pending'],
    ['NOT_CONTROLLER', 'sent again'],
    ['UNKNOWN_SERVER_ERROR', 'sent again'],
    ['REQUEST_TIMED_OUT', 'sent again'],
    ['STALE_BROKER_EPOCH', 'sent again'],
  ];

  function propose(kind: 'expand' | 'shrink'): { stage: Stage; proposal: IsrProposal } {
    const stage = new Stage();
    stage.setEnd(10);
    stage.elect(partitionState(), 10, 10);
    stage.nowMs = kind === 'expand' ? 0 : LAG_MS + 1;
    stage.print(kind === 'expand' ? stage.fetch(3, 10) : stage.leader.onLagCheck(stage.nowMs));
    const proposal = stage.proposal ?? expect.fail('nothing was proposed');
    expect(proposal.kind).toBe(kind);
    return { stage, proposal };
  }

  it.each(
    endings.flatMap(([error, ending]) => [['expand', error, ending] as const, ['shrink', error, ending] as const]),
  )('to %s that fails with %s is %s', (kind, error, ending) => {
    const { stage, proposal } = propose(kind);
    const maximalBefore = [...stage.leader.maximalIsr];
    const effects = stage.leader.onProposalFailed(proposal, error, stage.nowMs);
    expect(stage.leader.isr).toEqual([1, 2]);
    if (ending === 'committed again') {
      expect(stage.leader.pendingProposal).toBeNull();
      expect([...stage.leader.maximalIsr]).toEqual([1, 2]);
    } else {
      expect(stage.leader.pendingProposal).toBe(proposal);
      expect([...stage.leader.maximalIsr]).toEqual(maximalBefore);
    }
    const delayMs = ending === 'sent again' ? 50 : 1000;
    expect(effects).toEqual(ending.startsWith('sent again') ? [{ kind: 'proposeIsr', proposal, delayMs }] : []);
  });

  it('is answered only once, and not by an answer to another proposal', () => {
    const { stage, proposal } = propose('expand');
    const other = { ...proposal };
    const answer = { leaderEpoch: 5, partitionEpoch: 1, isr: [1, 2, 3], leaderRecoveryState: 0 as const };
    stage.leader.onProposalAccepted(other, answer, 0);
    expect(stage.leader.pendingProposal).toBe(proposal);
    stage.leader.onProposalAccepted(proposal, answer, 0);
    expect(stage.leader.isr).toEqual([1, 2, 3]);
    stage.leader.onProposalAccepted(proposal, { ...answer, isr: [1], partitionEpoch: 2 }, 0);
    expect(stage.leader.isr).toEqual([1, 2, 3]);
  });

  it('is not ended by an answer of another leader epoch or of an older version', () => {
    const { stage, proposal } = propose('expand');
    const answer = { leaderEpoch: 6, partitionEpoch: 7, isr: [1], leaderRecoveryState: 0 as const };
    stage.leader.onProposalAccepted(proposal, answer, 0);
    stage.leader.onProposalAccepted(proposal, { ...answer, leaderEpoch: 5, partitionEpoch: -1 }, 0);
    expect(stage.leader.pendingProposal).toBe(proposal);
  });

  it('is not repeated for a refused follower at every fetch, only after a pause', () => {
    const { stage, proposal } = propose('expand');
    stage.leader.onProposalFailed(proposal, 'INELIGIBLE_REPLICA', 0);
    stage.nowMs = 999;
    expect(stage.fetch(3, 10)).toEqual([]);
    stage.nowMs = 1000;
    expect(stage.fetch(3, 10)).toMatchObject([{ kind: 'proposeIsr' }]);
  });
});
