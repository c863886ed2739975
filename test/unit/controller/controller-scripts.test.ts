/**
 * The controller's rules as stories: brokers die, bounce and shut down, topics come and go. See
 * test/scripts/controller.
 */
import { afterEach, describe } from 'vitest';
import { ELECTION_TYPE } from '../../../src/controller/state-changes.ts';
import { LeaderRecoveryState } from '../../../src/model/leader-and-isr.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';
import { writeTopicConfig } from '../../../src/zk/configs.ts';
import { notifyLogDirFailure } from '../../../src/zk/log-dir-events.ts';
import { markForDeletion } from '../../../src/zk/topics.ts';
import { ZnodeFormatError } from '../../../src/zk/znode-json.ts';
import { ClusterIdZnode } from '../../../src/zk/znodes.ts';
import { ControlledCluster } from '../../support/controlled-cluster.ts';
import { itPlaysScripts, type ScriptArguments, type ScriptCommands } from '../../support/script.ts';

const open: ControlledCluster[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.close()));
});

/** Says, after each command, which partition states changed. */
class Story {
  readonly #cluster: ControlledCluster;
  #known = new Map<string, string>();

  constructor(cluster: ControlledCluster) {
    this.#cluster = cluster;
  }

  async after(said: string | undefined): Promise<string> {
    await this.#cluster.quiet();
    const now = new Map<string, string>();
    for (const { topic, partition } of this.#cluster.partitions()) {
      const state = this.#describe(topic, partition);
      if (state !== null) now.set(`${topic}-${partition}`, state);
    }
    const lines = said === undefined || said === '' ? [] : [said];
    for (const [key, state] of now) if (this.#known.get(key) !== state) lines.push(`${key}: ${state}`);
    for (const key of this.#known.keys()) if (!now.has(key)) lines.push(`${key}: gone`);
    this.#known = now;
    return lines.join('\n');
  }

  #describe(topic: string, partition: number): string | null {
    try {
      const state = this.#cluster.partitionState(topic, partition);
      if (state === null) return null;
      const { leader, leaderEpoch, isr, leaderRecoveryState } = state;
      const recovering = leaderRecoveryState === LeaderRecoveryState.RECOVERING ? ' recovering' : '';
      return `leader ${leader} epoch ${leaderEpoch} isr (${isr})${recovering}`;
    } catch (error) {
      if (error instanceof ZnodeFormatError) return 'unreadable';
      throw error;
    }
  }
}

/** What a refused request says. */
async function attempt(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KafkaError) return error.error;
    throw error;
  }
}

function partitionOf(args: ScriptArguments): { topic: string; partition: number } {
  const [topic = '', partition = '0'] = args.text('partition').split(':');
  return { topic, partition: Number(partition) };
}

async function proposeIsr(cluster: ControlledCluster, args: ScriptArguments): Promise<string> {
  const { topic, partition } = partitionOf(args);
  const state = cluster.partitionState(topic, partition);
  const topicId = topicIdOf(cluster, topic);
  const brokerId = args.number('by');
  const staleEpochs = new Map(args.numbers('bounced', '()').map((id) => [id, true]));
  const proposal = {
    partitionIndex: partition,
    leaderEpoch: args.number('epoch', state?.leaderEpoch ?? 0),
    partitionEpoch: args.number('version', state?.partitionEpoch ?? 0),
    leaderRecoveryState: args.number('recovery', LeaderRecoveryState.RECOVERED),
    newIsr: args.numbers('isr').map((id) => ({
      brokerId: id,
      brokerEpoch: cluster.brokerEpoch(id) - (staleEpochs.has(id) ? 1 : 0),
    })),
  };
  const brokerEpoch = args.has('stale') ? cluster.brokerEpoch(brokerId) - 1 : cluster.brokerEpoch(brokerId);
  const [outcome] = await cluster.controller.alterPartition({
    brokerId,
    brokerEpoch,
    topics: [{ topicId, partitions: [proposal] }],
  });
  if (typeof outcome?.outcome === 'string') return outcome.outcome;
  return `granted isr (${outcome?.outcome.isr}) version ${outcome?.outcome.partitionEpoch}`;
}

function topicIdOf(cluster: ControlledCluster, topic: string): string {
  const content = cluster.zk.read(`/brokers/topics/${topic}`);
  const { topic_id: topicId } = JSON.parse(String(content?.data ?? '{}')) as { topic_id?: string };
  return topicId ?? 'unknown';
}

/** The replicas are `(1,2,3)` for one partition, `(1,2,3)(2,3,1)` for two. */
async function create(cluster: ControlledCluster, args: ScriptArguments): Promise<string> {
  const lists = [...args.text('replicas').matchAll(/\(([\d,]+)\)/g)].map(([, ids = '']) => ids.split(',').map(Number));
  const outcomes = await cluster.controller.createTopics(
    [
      {
        name: args.text('topic'),
        numPartitions: -1,
        replicationFactor: -1,
        assignments: lists.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
        configs: args.has('unclean') ? [{ name: 'unclean.leader.election.enable', value: args.text('unclean') }] : [],
      },
    ],
    false,
  );
  return outcomes.map(({ error, message }) => (error === 'NONE' ? '' : `${error}: ${message}`)).join('\n');
}

async function elect(cluster: ControlledCluster, args: ScriptArguments): Promise<string> {
  const type = args.text('type') === 'unclean' ? ELECTION_TYPE.UNCLEAN : ELECTION_TYPE.PREFERRED;
  const outcomes = await cluster.controller.electLeaders(args.has('partition') ? [partitionOf(args)] : null, type);
  return outcomes.map(({ topic, partition, error }) => `${topic}-${partition} ${error}`).join('\n');
}

async function newCommands(): Promise<ScriptCommands> {
  const cluster = await ControlledCluster.create();
  open.push(cluster);
  const story = new Story(cluster);
  const then =
    (command: (args: ScriptArguments) => Promise<string | undefined> | string | undefined) =>
    async (args: ScriptArguments): Promise<string> =>
      story.after(await command(args));
  const each = (args: ScriptArguments, key: string, act: (id: number) => unknown) => async () => {
    for (const id of args.numbers(key)) await act(id);
    return undefined;
  };
  return {
    start: then((args) => each(args, 'brokers', (id) => cluster.start(id))()),
    kill: then((args) => each(args, 'brokers', (id) => cluster.kill(id))()),
    bounce: then((args) => each(args, 'brokers', (id) => cluster.bounce(id))()),
    /** The controller dies, and before there is another one, so do these; they are back by then. */
    'bounce-at-failover': then(async (args) => {
      const { active } = cluster;
      if (active !== undefined) cluster.kill(active.brokerId);
      return each(args, 'brokers', (id) => {
        cluster.kill(id);
        return cluster.start(id);
      })();
    }),
    create: then((args) => create(cluster, args)),
    isr: then((args) => attempt(() => proposeIsr(cluster, args))),
    elect: then((args) => attempt(() => elect(cluster, args))),
    'legacy-elect': then(async (args) => {
      const { topic, partition } = partitionOf(args);
      const data = Buffer.from(JSON.stringify({ version: 1, partitions: [{ topic, partition }] }));
      await cluster.client().create('/admin/preferred_replica_election', data);
      await cluster.quiet();
      return `trigger left: ${cluster.zk.read('/admin/preferred_replica_election') !== null}`;
    }),
    shutdown: then((args) =>
      attempt(async () => {
        const id = args.number('broker');
        const epoch = cluster.brokerEpoch(id) - (args.has('stale') ? 1 : 0);
        const left = await cluster.controller.controlledShutdown(id, epoch);
        return `still leads: ${left.map(({ topic, partition }) => `${topic}-${partition}`).join(' ') || 'nothing'}`;
      }),
    ),
    delete: then((args) =>
      attempt(async () =>
        (await cluster.controller.deleteTopics([args.text('topic')])).map(({ error }) => error).join(),
      ),
    ),
    'mark-for-deletion': then(async (args) => {
      await markForDeletion(cluster.client(), args.text('topic'));
      return undefined;
    }),
    config: then(async (args) => {
      const config = new Map([['unclean.leader.election.enable', args.text('unclean')]]);
      await writeTopicConfig(cluster.client(), args.text('topic'), config);
      cluster.controller.onUncleanLeaderElectionEnabled(args.text('topic'));
      return undefined;
    }),
    'fail-disk': then(async (args) => {
      const id = args.number('broker');
      for (const key of args.text('replicas').split(',')) cluster.fake(id).failedReplicas.add(key);
      await notifyLogDirFailure(cluster.client(), id);
      return undefined;
    }),
    'mend-disk': (args) => {
      cluster.fake(args.number('broker')).failedReplicas.clear();
      return '';
    },
    'lose-replies': (args) => {
      cluster.fake(args.number('broker')).lostReplies = args.number('count', 1);
      return '';
    },
    pass: then(async (args) => {
      await cluster.pass(args.number('ms'));
      return undefined;
    }),
    corrupt: then(async (args) => {
      await cluster.client().set(args.text('path'), Buffer.from('not what it should be'), -1);
      return undefined;
    }),
    'move-to-cluster': then(async (args) => {
      await cluster.client().set('/cluster/id', ClusterIdZnode.encode(args.text('id')), -1);
      return undefined;
    }),
    'delete-controller': then(async () => {
      await cluster.client().delete('/controller', -1);
      return undefined;
    }),
    controller: () =>
      cluster.active === undefined
        ? 'nobody'
        : `broker ${cluster.active?.brokerId} epoch ${cluster.active?.controller.controllerEpoch}`,
    topics: () => (cluster.zk.list('/brokers/topics') ?? []).sort().join(' '),
    told: (args) => {
      const broker = cluster.fake(args.number('broker'));
      return broker.told.splice(0).join('\n');
    },
    forget: () => {
      for (const broker of cluster.brokers.values()) broker.told.length = 0;
      return '';
    },
  };
}

describe('the controller', () => itPlaysScripts('test/scripts/controller', newCommands));
