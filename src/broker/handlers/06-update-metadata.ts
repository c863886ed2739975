/**
 * UpdateMetadata v8: the controller says which brokers live and what the cluster's topics look like; from then on
 * Metadata answers so.
 *
 * Behaviour: STALE_BROKER_EPOCH and STALE_CONTROLLER_EPOCH as in LeaderAndIsr. A partition led by -2 is being deleted
 * and is dropped. A FULL update replaces all topics (KIP-866), others merge.
 */
import { Errors } from '../../protocol/errors.ts';
import { UpdateMetadata } from '../../protocol/messages/06-update-metadata.ts';
import { obey } from '../controller-order.ts';
import { handler } from '../handler.ts';

export const updateMetadata = handler(UpdateMetadata, { versions: '8' }, ({ broker }, request) =>
  obey(broker, () => ({ errorCode: Errors[broker.replicas.applyUpdateMetadata(request).error] })),
);
