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

const configOf = (values: Record<string, string>) =>
  brokerConfigFrom({ 'zookeeper.connect': 'localhost:2181', ...values });

test('no other origin is allowed unless it is named', () => {
  const silent = configOf({});
  expect(silent.accessControlAllowOrigin).toEqual([]);
  const { accessControlAllowOrigin, accessControlAllowMethods, accessControlAllowHeaders } = configOf({
    'access.control.allow.origin': 'http://localhost:3000, https://*.example.com,*',
    'access.control.allow.methods': 'GET,PUT',
    'access.control.allow.headers': 'Content-Type',
  });
  expect(accessControlAllowOrigin).toEqual(['http://localhost:3000', 'https://*.example.com', '*']);
  expect([accessControlAllowMethods, accessControlAllowHeaders]).toEqual([['GET', 'PUT'], ['Content-Type']]);
});

test.each([
  ['access.control.allow.origin', 'example.com'],
  ['access.control.allow.origin', 'http://a/b'],
  ['access.control.allow.origin', 'null'],
  ['access.control.allow.methods', 'GET POST'],
  ['access.control.allow.headers', 'a:b'],
])('%s=%s is refused', (key, value) => {
  expect(() => configOf({ [key]: value })).toThrow(`${value} is not `);
});

test('the level of compatibility has two names, in any case of letters', () => {
  expect(configOf({}).schemaCompatibilityLevel).toBe('backward');
  expect(configOf({ 'schema.compatibility.level': 'FULL_Transitive' }).schemaCompatibilityLevel).toBe(
    'full_transitive',
  );
  expect(configOf({ 'avro.compatibility.level': 'NONE' }).avroCompatibilityLevel).toBe('NONE');
  for (const key of ['schema.compatibility.level', 'avro.compatibility.level'])
    expect(() => configOf({ [key]: 'sideways' })).toThrow('String must be one of (case insensitive): NONE, BACKWARD');
});
