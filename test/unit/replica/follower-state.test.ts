/** The follower's rules as scenarios (test/scripts/follower), and where two logs part. */
import { describe, expect, it } from 'vitest';
import type { ErrorName } from '../../../src/protocol/errors.ts';
import { findDivergence } from '../../../src/replica/divergence.ts';
import { type FollowerDecision, FollowerState } from '../../../src/replica/follower-state.ts';
import { itPlaysScripts, type ScriptArguments, type ScriptCommands } from '../../support/script.ts';

/** A log that is only its epochs and its ends. */
class EpochLog {
  epochs: { epoch: number; start: number }[] = [];
  logStartOffset = 0;
  logEndOffset = 0;
  highWatermark = 0;

  get latestEpoch(): number {
    return this.epochs.at(-1)?.epoch ?? -1;
  }

  endOffsetForEpoch(asked: number): { leaderEpoch: number; endOffset: number } {
    if (asked === -1) return { leaderEpoch: -1, endOffset: -1 };
    if (asked === this.latestEpoch) return { leaderEpoch: asked, endOffset: this.logEndOffset };
    const higher = this.epochs.find(({ epoch }) => epoch > asked);
    if (higher === undefined) return { leaderEpoch: -1, endOffset: -1 };
    const floor = this.epochs.findLast(({ epoch }) => epoch <= asked);
    return { leaderEpoch: floor?.epoch ?? asked, endOffset: higher.start };
  }

  truncateTo(offset: number): void {
    this.logEndOffset = Math.min(this.logEndOffset, offset);
    this.highWatermark = Math.min(this.highWatermark, offset);
    this.epochs = this.epochs.filter(({ start }) => start < offset);
  }

  /** `2:0,5:8` is epoch 2 from offset 0 and epoch 5 from offset 8. */
  static parse(args: ScriptArguments): EpochLog {
    const log = new EpochLog();
    const epochs = args.text('epochs', '');
    log.epochs = epochs
      .split(',')
      .filter((entry) => entry !== '')
      .map((entry) => entry.split(':').map(Number))
      .map(([epoch = 0, start = 0]) => ({ epoch, start }));
    log.logEndOffset = args.number('leo');
    log.logStartOffset = args.number('start', 0);
    log.highWatermark = args.number('hw', 0);
    return log;
  }
}

function print(decision: FollowerDecision): string {
  return 'offset' in decision ? `${decision.kind} ${decision.offset}` : decision.kind;
}

function commands(): ScriptCommands {
  let own = new EpochLog();
  let leader = new EpochLog();
  let state = new FollowerState(1, 5, own);
  const request = (): string => {
    state.onRequested();
    return `fetch ${state.fetchOffset} after epoch ${state.lastFetchedEpoch}`;
  };
  const obey = (decision: FollowerDecision): string => {
    if (decision.kind === 'truncate') own.truncateTo(decision.offset);
    if (decision.kind === 'restart') {
      own.truncateTo(0);
      own.logStartOffset = decision.offset;
      own.logEndOffset = decision.offset;
    }
    if (decision.kind === 'truncate' || decision.kind === 'restart') state.onTruncated();
    return print(decision);
  };
  const answerOf = (error: ErrorName, epoch = -1, endOffset = -1): string =>
    obey(state.onAnswer({ error, divergingEpoch: { epoch, endOffset } }));
  return {
    follower: (args) => {
      own = EpochLog.parse(args);
      state = new FollowerState(1, args.number('epoch', 5), own);
      return obey(state.onStarted()).replace('ignore', '');
    },
    'leader-log': (args) => {
      leader = EpochLog.parse(args);
      return '';
    },
    request,
    answer: (args) => {
      const error = args.text('error', 'NONE') as ErrorName;
      if (error !== 'NONE' || !args.has('from-log')) return answerOf(error);
      const divergence = findDivergence(leader, state.fetchOffset, state.lastFetchedEpoch);
      if (divergence === 'NONE') return answerOf('NONE');
      if (divergence === 'OFFSET_OUT_OF_RANGE') return answerOf(divergence);
      const { epoch, endOffset } = divergence;
      return `diverging at epoch ${epoch}, end ${endOffset}: ${answerOf('NONE', epoch, endOffset)}`;
    },
    append: (args) => {
      own.logEndOffset = args.number('leo');
      const epoch = args.number('epoch');
      if (own.latestEpoch < epoch) own.epochs.push({ epoch, start: args.number('at') });
      state.onAppended(epoch);
      return '';
    },
    'append-nothing': () => {
      state.onAppended(null);
      return '';
    },
    'leader-offsets': (args) => obey(state.onLeaderOffsets(args.number('start'), args.number('end'))),
    'leader-offsets-failed': (args) => print(state.onLeaderOffsetsFailed(args.text('error') as ErrorName)),
    show: () => {
      const phase = state.isFetching ? 'fetching' : state.isHalted ? 'halted' : 'finding offsets';
      return `${phase} from ${state.fetchOffset} after epoch ${state.lastFetchedEpoch}`;
    },
  };
}

describe('a follower', () => {
  itPlaysScripts('test/scripts/follower', commands);
});

describe('the divergence of two logs', () => {
  const log = new EpochLog();
  log.epochs = [
    { epoch: 2, start: 5 },
    { epoch: 4, start: 10 },
    { epoch: 7, start: 20 },
  ];
  log.logStartOffset = 5;
  log.logEndOffset = 30;

  it.each([
    ['a fetcher that tells no epoch', 17, -1, 'NONE'],
    ['a fetcher within the latest epoch', 25, 7, 'NONE'],
    ['a fetcher at the end of an epoch', 20, 4, 'NONE'],
    ['a fetcher that has more of an epoch than the leader', 21, 4, { epoch: 4, endOffset: 20 }],
    ['a fetcher of an epoch that the leader never had', 22, 5, { epoch: 4, endOffset: 20 }],
    ['a fetcher of an epoch that is newer than all', 22, 8, 'OFFSET_OUT_OF_RANGE'],
    ['a fetcher below the log', 3, 2, 'OFFSET_OUT_OF_RANGE'],
    ['a fetcher of an epoch older than the log', 5, 1, 'NONE'],
  ] as const)('with %s', (_who, fetchOffset, lastFetchedEpoch, expected) => {
    expect(findDivergence(log, fetchOffset, lastFetchedEpoch)).toEqual(expected);
  });
});
