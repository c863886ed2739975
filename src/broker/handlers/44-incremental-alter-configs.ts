/**
 * IncrementalAlterConfigs v0-1: single overrides of topics, of this broker, or of all brokers are set, deleted, or,
 * where they are lists, added to or taken from (KIP-339).
 *
 * Behaviour: each resource is answered for itself; see config-alteration.ts. Changes that are made at the same time, of
 * whichever brokers, all count. The answer comes when the change is stored, and every broker then hears of it.
 * Versions: v1 is flexible.
 */
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts';
import { alterResources } from '../config-alteration.ts';
import { handler } from '../handler.ts';

export const incrementalAlterConfigs = handler(
  IncrementalAlterConfigs,
  { versions: '0-1' },
  async ({ broker }, request) => {
    const alterations = request.resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      operations: configs.map(({ name, configOperation, value }) => ({ name, operation: configOperation, value })),
      isWhole: false,
    }));
    return { responses: await alterResources(broker, alterations, request.validateOnly) };
  },
);
