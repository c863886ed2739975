/**
 * The cluster as this broker sees it now, and the signal that it changed. Only UpdateMetadata from the controller
 * writes it; Metadata, DescribeCluster and the data plane only read. The epochs of controller and broker are checked
 * by the caller.
 */
import type { BrokerInfo, Endpoint } from '../model/broker.ts';
import { endpointOf } from '../model/broker.ts';
import type { TopicId, TopicPartition } from '../model/topic-partition.ts';
import type { MetadataChange, MetadataImage, PartitionImage, UpdateMetadataContent } from './metadata-image.ts';
import { applyUpdateMetadata, CONTROL_REQUEST_TYPE, EMPTY_IMAGE } from './metadata-image.ts';

export class MetadataCache {
  #image: MetadataImage = EMPTY_IMAGE;
  #isComplete = false;
  readonly #listeners = new Set<(change: MetadataChange) => void>();

  /** Take it once per request: everything in one image fits together. */
  get image(): MetadataImage {
    return this.#image;
  }

  /**
   * False until the controller has told this process everything once: until then what is not in the image may exist all
   * the same.
   */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The broker that leads the cluster as far as this broker was told, or -1. */
  get controllerId(): number {
    return this.#image.controllerId;
  }

  /** Replaces the image and tells the listeners, in this turn. Returns the partitions that were deleted. */
  applyUpdateMetadata(request: UpdateMetadataContent): readonly TopicPartition[] {
    const change = applyUpdateMetadata(this.#image, request);
    this.#image = change.image;
    // Apache Kafka's controller (UNKNOWN) begins with everything, too.
    if (request.type !== CONTROL_REQUEST_TYPE.INCREMENTAL) this.#isComplete = true;
    for (const listener of [...this.#listeners]) listener(change);
    return change.deletedPartitions;
  }

  /** Calls the listener after every update, until the returned function is called. */
  onChange(listener: (change: MetadataChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  contains(topic: string, partition: number): boolean {
    return this.#image.topics.get(topic)?.partitions.has(partition) ?? false;
  }

  partition(topic: string, partition: number): PartitionImage | undefined {
    return this.#image.topics.get(topic)?.partitions.get(partition);
  }

  topicName(topicId: TopicId): string | undefined {
    return this.#image.topicNameById.get(topicId);
  }

  topicId(topic: string): TopicId | undefined {
    return this.#image.topics.get(topic)?.topicId;
  }

  isAlive(brokerId: number): boolean {
    return this.#image.brokers.has(brokerId);
  }

  broker(brokerId: number): BrokerInfo | undefined {
    return this.#image.brokers.get(brokerId);
  }

  /** Where a living broker listens under that listener name. */
  endpoint(brokerId: number, listenerName: string): Endpoint | undefined {
    const broker = this.#image.brokers.get(brokerId);
    return broker === undefined ? undefined : endpointOf(broker, listenerName);
  }
}
