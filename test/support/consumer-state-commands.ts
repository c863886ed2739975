/**
 * Commands over a consumer instance's knowledge of its partitions (ConsumerState):
 *
 *   subscribe topics=a,b | pattern of=t.* | unsubscribe | assign to=a-0,a-1 [at=a-0:5]     what the client says
 *   begin with=a-0,a-1 | end at=a-0:5                                                       what the group says
 *   take a-0:3 … as record=a-0:3 | ready record= | putback record= | return | takeback      records on their way
 *   seek to=a-0:5 | fail what=a-0 | own what=a-0 | consumed at=a-0:5
 *
 * `at` says how far the consumer has taken the partitions. What is refused is printed as it is told.
 */
import { ApiError } from '../../src/client/api-error.ts';
import type { PartitionStart } from '../../src/client/record-consumer.ts';
import { ConsumerState } from '../../src/rest/consumer-state.ts';
import type { ScriptArguments, ScriptCommands } from './script.ts';

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly start: PartitionStart;
}

export function consumerStateCommands(): ScriptCommands {
  const state = new ConsumerState();
  const acts: Record<string, (args: ScriptArguments) => unknown> = {
    subscribe: (args) => changed(state.subscribe(listed(args, 'topics'))),
    pattern: (args) => changed(state.subscribeToPattern(args.text('of'))),
    unsubscribe: () => changed(state.unsubscribe()),
    assign: (args) => changed(state.assign(listed(args, 'to').map(placeOf), offsets(args))),
    begin: (args) => `begins at ${shown(state.begin(listed(args, 'with').map(placeOf)))}`,
    end: (args) => state.end(offsets(args)),
    take: (args) => state.take(recordOf(args)),
    ready: (args) => (state.isReady(recordOf(args)) ? 'into the answer' : 'not wanted any more'),
    putback: (args) => {
      const place = state.putBack(recordOf(args));
      return place === null ? 'not wanted any more' : `back to ${shown([place])}`;
    },
    return: () => state.returned(),
    takeback: () => `back to ${shown(state.takenBack())}`,
    seek: (args) => listed(args, 'to').map((text) => state.seek(placeOf(text))) && undefined,
    fail: (args) =>
      state.fail(placeOf(args.text('what')), new ApiError('NoOffset', `nothing known of ${args.text('what')}`)),
    own: (args) => state.mustOwn(listed(args, 'what').map(placeOf)),
    consumed: (args) => shown(state.consumed(offsets(args)).map((at) => ({ ...at, start: at.offset }))),
    show: () =>
      [
        `${state.subscription.kind} ${state.partitions.map((at) => `${at.topic}-${at.partition}`).join(',')}`.trim(),
        ...(state.failure === null ? [] : [state.failure.message]),
      ].join('; '),
  };
  return Object.fromEntries(
    Object.entries(acts).map(([name, act]) => [
      name,
      (args: ScriptArguments) => {
        try {
          const said = act(args);
          return typeof said === 'string' ? said : '';
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      },
    ]),
  );
}

function changed(hasChanged: boolean): string {
  return hasChanged ? 'changed' : 'as before';
}

function listed(args: ScriptArguments, name: string): string[] {
  return args
    .text(name, '')
    .split(',')
    .filter((text) => text !== '');
}

/** `topic-0:5`, `topic-0:earliest`, or without a place. */
function placeOf(text: string): Place {
  const [, topic = '', partition = '', start = '0'] = /^(\w+)-(\d+)(?::(\w+))?$/.exec(text) ?? [];
  const place = start === 'earliest' || start === 'latest' ? start : Number(start);
  return { topic, partition: Number(partition), start: place };
}

function offsets(args: ScriptArguments) {
  return listed(args, 'at').map((text) => {
    const { topic, partition, start } = placeOf(text);
    return { topic, partition, offset: Number(start) };
  });
}

function recordOf(args: ScriptArguments) {
  const { topic, partition, start } = placeOf(args.text('record'));
  return { topic, partition, offset: Number(start) };
}

function shown(places: readonly Place[]): string {
  return places.map(({ topic, partition, start }) => `${topic}-${partition}:${start}`).join(' ') || 'nowhere else';
}
