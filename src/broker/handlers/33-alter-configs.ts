/**
 * AlterConfigs v0-2: the overrides of topics, of this broker, or of all brokers, each as a whole: a key that is not
 * named goes back to its default.
 *
 * Behaviour: each resource is answered for itself; see config-alteration.ts. Any broker changes topics; the answer
 * comes when the change is stored, and every broker then hears of it.
 * Versions: v2 is flexible.
 */
import { CONFIG_OPERATIONS } from '../../config/config-operations.ts';
import { AlterConfigs } from '../../protocol/messages/33-alter-configs.ts';
import { alterResources } from '../config-alteration.ts';
import { handler } from '../handler.ts';

export const alterConfigs = handler(AlterConfigs, { versions: '0-2' }, async ({ broker }, request) => {
  const alterations = request.resources.map(({ resourceType, resourceName, configs }) => ({
    resourceType,
    resourceName,
    operations: configs.map(({ name, value }) => ({ name, operation: CONFIG_OPERATIONS.SET, value })),
    isWhole: true,
  }));
  return { responses: await alterResources(broker, alterations, request.validateOnly) };
});
