/** Where a broker of a test cluster serves HTTP: it is started with port 0 and says which one it got. */
import type { BrokerProcess } from './broker-process.ts';

/** The override that gives every broker of a cluster HTTP. */
export const WITH_HTTP = { 'http.listeners': 'http://127.0.0.1:0' } as const;

/** http://127.0.0.1:port, of the broker's present life. */
export function httpAddress(broker: BrokerProcess): string {
  const said = [...broker.output.matchAll(/Awaiting HTTP requests on (http:\/\/127\.0\.0\.1:\d+)/g)];
  const address = said.at(-1)?.[1];
  if (address === undefined) throw new Error(`broker ${broker.id} has not said where it serves HTTP`);
  return address;
}
