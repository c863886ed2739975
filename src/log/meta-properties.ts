/**
 * @pure `meta.properties` of a log directory: whose data it holds (MetaProperties version 0, MetaPropertiesEnsemble).
 * The checks keep a broker from serving the data of another cluster or of another broker; their words are Kafka's, of
 * both generations, because that is what people search for.
 */
import { parseProperties } from '../config/properties.ts';

export const META_PROPERTIES = 'meta.properties';

export interface MetaProperties {
  readonly clusterId: string | null;
  readonly brokerId: number | null;
}

/** The directory says that it is not ours. */
export class InconsistentDirectoryError extends Error {
  override readonly name = 'InconsistentDirectoryError';
}

export function encodeMetaProperties({ clusterId, brokerId }: MetaProperties): string {
  const lines = ['#', 'version=0'];
  if (brokerId !== null) lines.splice(1, 0, `broker.id=${brokerId}`);
  if (clusterId !== null) lines.push(`cluster.id=${clusterId}`);
  return `${lines.join('\n')}\n`;
}

/** Throws InconsistentDirectoryError for a file of another version or without sense. */
export function decodeMetaProperties(text: string, filePath: string): MetaProperties {
  const values = new Map(parseProperties(text).map(({ key, value }) => [key, value]));
  if ((values.get('version') ?? '0').trim() !== '0')
    throw new InconsistentDirectoryError(
      `Found unexpected version in ${filePath}. ZK-based brokers that are not migrating only support version 0 ` +
        '(which is implicit when the `version` field is missing).',
    );
  const brokerId = values.get('broker.id')?.trim();
  if (brokerId !== undefined && !/^-?\d{1,10}$/.test(brokerId))
    throw new InconsistentDirectoryError(`Unable to read broker.id in ${filePath} as a base-10 number: ${brokerId}`);
  return {
    clusterId: values.get('cluster.id')?.trim() ?? null,
    brokerId: brokerId === undefined ? null : Number(brokerId),
  };
}

/**
 * Throws InconsistentDirectoryError when a directory belongs to somebody else. `brokerId` null: not configured, so the
 * directories only have to agree with each other.
 */
export function checkMetaProperties(
  directories: ReadonlyMap<string, MetaProperties>,
  clusterId: string,
  brokerId: number | null,
): void {
  let expectedBrokerId = brokerId;
  for (const [filePath, stored] of directories) {
    if (stored.clusterId !== null && stored.clusterId !== clusterId)
      throw new InconsistentDirectoryError(
        `Invalid cluster.id in: ${filePath}. Expected ${clusterId}, but read ${stored.clusterId}. ` +
          `(InconsistentClusterIdException: The Cluster ID ${clusterId} doesn't match stored clusterId ` +
          `Some(${stored.clusterId}) in meta.properties. The broker is trying to join the wrong cluster. Configured ` +
          'zookeeper.connect may be wrong.) If the data of the other cluster is not needed any more, remove the ' +
          'directory.',
      );
    if (stored.brokerId === null) continue;
    expectedBrokerId ??= stored.brokerId;
    if (stored.brokerId !== expectedBrokerId)
      throw new InconsistentDirectoryError(
        `Stored node id ${stored.brokerId} doesn't match previous node id ${expectedBrokerId} in ${filePath}. If ` +
          `you moved ` +
          'your data, make sure your configured node id matches. If you intend to create a new node, you should ' +
          'remove all ' +
          `data in your data directories. (InconsistentBrokerIdException: Configured broker.id ` +
          `${expectedBrokerId} doesn't ` +
          `match stored broker.id Some(${stored.brokerId}) in meta.properties.)`,
      );
  }
}
