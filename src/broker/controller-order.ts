/**
 * Orders of the controller: it may have seen this broker's registration before ZooKeeper's answer to it is here.
 *
 * Guarantee: no order is judged by an epoch that this broker does not know yet. Nothing makes a Kafka controller
 * repeat an order that was refused as stale.
 */
import type { Broker } from './broker.ts';

/** Obeys now or, before the first registration, as soon as its answer says which orders are meant for this broker. */
export function obey<R>(
  { whenRegistered }: Pick<Broker, 'whenRegistered'>,
  order: () => R | Promise<R>,
): R | Promise<R> {
  const registration = whenRegistered();
  return registration === null ? order() : registration.then(order);
}
