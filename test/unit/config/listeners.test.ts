/** Listener settings: what is read, and each refusal in Kafka’s words. */
import { expect, test } from 'vitest';
import { DEFAULT_PROTOCOL_MAP, resolveListeners } from '../../../src/config/listeners.ts';

function resolve(settings: Partial<Parameters<typeof resolveListeners>[0]>) {
  return resolveListeners(
    {
      listeners: 'PLAINTEXT://:9092',
      advertisedListeners: null,
      protocolMap: DEFAULT_PROTOCOL_MAP,
      interBrokerListenerName: null,
      securityInterBrokerProtocol: null,
      ...settings,
    },
    'machine.example',
  );
}

test('an empty host listens everywhere and advertises the name of the machine', () => {
  const { listeners, advertisedListeners } = resolve({});
  expect(listeners[0]).toEqual({ listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: '', port: 9092 });
  expect(advertisedListeners[0]?.host).toBe('machine.example');
});

test('listener names are made upper case and IPv6 addresses lose their brackets', () => {
  const resolved = resolve({
    listeners: 'internal://[::1]:1, External://0.0.0.0:2',
    advertisedListeners: 'internal://[::1]:1,external://example.org:3',
    protocolMap: 'INTERNAL:PLAINTEXT,external:plaintext',
    interBrokerListenerName: 'internal',
  });
  expect(resolved.listeners.map(({ listenerName, host, port }) => [listenerName, host, port])).toEqual([
    ['INTERNAL', '::1', 1],
    ['EXTERNAL', '0.0.0.0', 2],
  ]);
  expect(resolved.interBrokerListenerName).toBe('INTERNAL');
});

test.each([
  [{ listeners: 'x' }, "Error creating broker listeners from 'x': Unable to parse x to a broker endpoint"],
  [
    { listeners: 'EXTERNAL://:9092' },
    "Error creating broker listeners from 'EXTERNAL://:9092': No security protocol defined for listener EXTERNAL",
  ],
  [
    { listeners: 'PLAINTEXT://:9092,PLAINTEXT://:9093' },
    'Each listener must have a different name, listeners: PLAINTEXT://:9092,PLAINTEXT://:9093',
  ],
  [
    { listeners: 'PLAINTEXT://:9092,SSL://:9092' },
    'Each listener must have a different port, listeners: PLAINTEXT://:9092,SSL://:9092',
  ],
  [
    { listeners: 'PLAINTEXT://1.2.3.4:9092,SSL://1.2.3.5:9092' },
    'If you have two listeners on the same port then one needs to be IPv4 and the other IPv6, ' +
      'listeners: PLAINTEXT://1.2.3.4:9092,SSL://1.2.3.5:9092, port: 9092',
  ],
  [
    { listeners: 'PLAINTEXT://0.0.0.0:9092' },
    'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
  ],
  [
    { advertisedListeners: 'PLAINTEXT://a:1,SSL://b:2' },
    'advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. ' +
      'Found PLAINTEXT,SSL. The valid options based on the current configuration are PLAINTEXT',
  ],
  [
    { securityInterBrokerProtocol: 'SSL' },
    'inter.broker.listener.name must be a listener name defined in advertised.listeners. ' +
      'The valid options based on currently configured listeners are PLAINTEXT',
  ],
  [
    { interBrokerListenerName: 'PLAINTEXT', securityInterBrokerProtocol: 'PLAINTEXT' },
    'Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.',
  ],
  [
    { interBrokerListenerName: 'INSIDE' },
    'Listener with name INSIDE defined in inter.broker.listener.name not found in listener.security.protocol.map.',
  ],
])('%j is refused in Kafka’s words', (settings, message) => {
  expect(() => resolve(settings)).toThrow(message);
});

test('one port may have an IPv4 and an IPv6 listener', () => {
  expect(resolve({ listeners: 'PLAINTEXT://1.2.3.4:9092,SSL://[::1]:9092' }).listeners).toHaveLength(2);
});

test('port 0 may appear several times, since each takes a free one', () => {
  expect(resolve({ listeners: 'PLAINTEXT://a:0,SSL://a:0' }).listeners).toHaveLength(2);
});
