/** http.listeners: what it takes and what it refuses. */
import { expect, test } from 'vitest';
import { brokerConfigFrom } from '../../../../src/config/broker-config.ts';

const listenersOf = (text: string) =>
  brokerConfigFrom({ 'zookeeper.connect': 'localhost:2181', 'http.listeners': text }).httpListeners;

test('without it there is no HTTP', () => {
  expect(brokerConfigFrom({ 'zookeeper.connect': 'localhost:2181' }).httpListeners).toEqual([]);
});

test('addresses come with and without a host, and as IPv6', () => {
  expect(listenersOf('http://localhost:8081, http://:8082, http://[::1]:8083/')).toEqual([
    { host: 'localhost', port: 8081 },
    { host: '', port: 8082 },
    { host: '::1', port: 8083 },
  ]);
});

test.each(['localhost:8081', 'https://localhost:8081', 'http://localhost', 'http://localhost:99999', 'http://a b:1'])(
  '%s is refused',
  (text) => {
    expect(() => listenersOf(text)).toThrow(`${text} is not of the form http://host:port`);
  },
);
