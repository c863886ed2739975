/** @pure Configurations of topics and brokers as the API v3 shows them (kafka-rest's AbstractConfigData). */
import type { ConfigEntry, ConfigResource } from '../client/config-admin.ts';
import type { ListHead, Resource, V3Links } from './v3-links.ts';

export interface ConfigView extends Resource {
  readonly cluster_id: string;
  readonly name: string;
  readonly value: string | null;
  readonly is_default: boolean;
  readonly is_read_only: boolean;
  readonly is_sensitive: boolean;
  readonly source: string;
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: string }[];
  /** One of the three, by whose configuration it is. */
  readonly topic_name?: string;
  readonly broker_id?: number;
  readonly config_type?: 'BROKER';
}

export function configView(links: V3Links, owner: ConfigResource, entry: ConfigEntry): ConfigView {
  const { name, value, isDefault, isReadOnly, isSensitive, source, synonyms } = entry;
  const { kind, path, names, tail } = placeOf(owner);
  return {
    ...links.resource(kind, [...path, name], [...names, name]),
    cluster_id: links.clusterId,
    name,
    value,
    is_default: isDefault,
    is_read_only: isReadOnly,
    is_sensitive: isSensitive,
    source,
    synonyms,
    ...tail,
  };
}

/** In the order of the names. */
export function configViews(links: V3Links, owner: ConfigResource, entries: readonly ConfigEntry[]): ConfigView[] {
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map((entry) => configView(links, owner, entry));
}

export function configListHead(links: V3Links, owner: ConfigResource): ListHead {
  const { kind, path } = placeOf(owner);
  return links.list(`${kind}List`, ...path);
}

interface Place {
  readonly kind: string;
  /** Where the list is. */
  readonly path: readonly string[];
  /** What goes before the setting's own name. */
  readonly names: readonly string[];
  readonly tail: Pick<ConfigView, 'topic_name' | 'broker_id' | 'config_type'>;
}

function placeOf({ type, name }: ConfigResource): Place {
  if (type === 'TOPIC') {
    const names = ['topic', name, 'config'];
    return { kind: 'KafkaTopicConfig', path: ['topics', name, 'configs'], names, tail: { topic_name: name } };
  }
  if (name === '')
    return {
      kind: 'KafkaClusterConfig',
      path: ['broker-configs'],
      names: ['broker-config'],
      tail: { config_type: 'BROKER' },
    };
  const names = ['broker', name, 'config'];
  return { kind: 'KafkaBrokerConfig', path: ['brokers', name, 'configs'], names, tail: { broker_id: Number(name) } };
}
