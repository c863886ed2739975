/** The Schema Registry as clients see it, over a log in memory. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RegistryDesk } from '../../support/registry-desk.ts';
import { body, field, MISFIT, text, user, V1, V2 } from '../../support/user-schemas.ts';

let desk: RegistryDesk;
beforeEach(() => {
  desk = RegistryDesk.leading();
});
afterEach(() => desk.close());

describe('the lines of the documentation', () => {
  it('register, list, fetch', async () => {
    const string = { schema: '{"type": "string"}' };
    expect(await desk.ask('POST', '/subjects/Kafka-key/versions', string)).toEqual({ status: 200, body: { id: 1 } });
    expect(await desk.ask('POST', '/subjects/Kafka-value/versions', string)).toEqual({ status: 200, body: { id: 1 } });
    expect(await desk.get('/subjects')).toEqual(['Kafka-key', 'Kafka-value']);
    expect(await desk.get('/subjects/Kafka-value/versions')).toEqual([1]);
    expect(await desk.get('/schemas/ids/1')).toEqual({ schema: '"string"' });
    expect(await desk.get('/subjects/Kafka-value/versions/1')).toEqual({
      subject: 'Kafka-value',
      version: 1,
      id: 1,
      schema: '"string"',
    });
    expect(await desk.get('/subjects/Kafka-value/versions/latest')).toMatchObject({ version: 1 });
    expect(await desk.ask('DELETE', '/subjects/Kafka-value/versions/1')).toEqual({ status: 200, body: 1 });
    await desk.register('Kafka-value', 'string');
    expect(await desk.ask('DELETE', '/subjects/Kafka-value/versions/latest')).toEqual({ status: 200, body: 2 });
    await desk.register('Kafka-value', 'string');
    expect(await desk.ask('POST', '/subjects/Kafka-key', string)).toEqual({
      status: 200,
      body: { subject: 'Kafka-key', version: 1, id: 1, schema: '"string"' },
    });
    expect(await desk.ask('POST', '/compatibility/subjects/Kafka-value/versions/latest', string)).toEqual({
      status: 200,
      body: { is_compatible: true },
    });
    expect(await desk.get('/config')).toEqual({ compatibilityLevel: 'BACKWARD' });
    expect(await desk.ask('PUT', '/config', { compatibility: 'none' })).toEqual({
      status: 200,
      body: { compatibility: 'NONE' },
    });
    expect(await desk.ask('PUT', '/config/Kafka-value', { compatibility: 'BACKWARD' })).toEqual({
      status: 200,
      body: { compatibility: 'BACKWARD' },
    });
    expect(await desk.ask('DELETE', '/subjects/Kafka-value')).toEqual({ status: 200, body: [3] });
    expect(await desk.get('/subjects')).toEqual(['Kafka-key']);
  });

  it('the tutorial: a user gets an address, and a mismatch is refused in words', async () => {
    expect(await desk.register('users-value', V1)).toBe(1);
    expect(await desk.register('users-value', V2)).toBe(2);
    const [status, code, message] = await desk.refusal('POST', '/subjects/users-value/versions', body(MISFIT));
    expect([status, code]).toEqual([409, 409]);
    expect(message).toBe(
      'Schema being registered is incompatible with an earlier schema for subject "users-value", details: [' +
        "{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the new schema does " +
        "not match with the old schema', additionalInfo:'reader type: STRING not compatible with writer type: INT'}, " +
        `{oldSchemaVersion: 2}, {oldSchema: '${text(V2)}'}, {validateFields: 'false', compatibility: 'BACKWARD'}]`,
    );
  });
});

describe('answers', () => {
  it('have the content type of the registry, refusals too', async () => {
    for (const url of ['/subjects', '/subjects/none/versions', '/config', '/contexts', '/nothing/here']) {
      const { headers } = await desk.app.inject(url);
      expect(headers['content-type'], url).toMatch(
        url === '/nothing/here' ? /json/ : /^application\/vnd\.schemaregistry\.v1\+json/,
      );
    }
  });

  it('are called what the client wants to call them, if it is JSON', async () => {
    const typeFor = async (accept: string, url = '/subjects') =>
      (await desk.app.inject({ url, headers: { accept } })).headers['content-type'];
    const usual = 'application/vnd.schemaregistry.v1+json';
    expect(await typeFor('application/json')).toMatch(/^application\/json/);
    expect(await typeFor('text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2')).toContain(usual);
    expect(await typeFor(`application/json; q=0.5, ${usual}; q=0.9`)).toContain(usual);
    expect(await typeFor('application/vnd.kafka.v2+json', '/')).toContain('application/vnd.kafka.v2+json');
    const refused = await desk.app.inject({ url: '/subjects', headers: { accept: 'text/html' } });
    expect(refused.statusCode).toBe(406);
    expect(refused.json()).toEqual({ error_code: 406, message: 'HTTP 406 Not Acceptable' });
  });

  it('of a wrong method, and of a body that is no JSON by its type, are those of the registry too', async () => {
    const wrongMethod = await desk.app.inject({ method: 'PUT', url: '/subjects/s/versions/1' });
    expect(wrongMethod.statusCode).toBe(405);
    expect(wrongMethod.headers['allow']).toBe('DELETE, GET, HEAD');
    const headers = { 'content-type': 'text/xml' };
    const wrongType = await desk.app.inject({ method: 'POST', url: '/subjects/s/versions', headers, payload: '<a/>' });
    expect(wrongType.json()).toEqual({ error_code: 415, message: 'HTTP 415 Unsupported Media Type' });
    for (const { headers } of [wrongMethod, wrongType])
      expect(headers['content-type']).toMatch(/^application\/vnd\.schemaregistry\.v1\+json/);
  });

  it.each([
    'application/json',
    'application/vnd.schemaregistry+json',
    'application/vnd.schemaregistry.v1+json; charset=utf-8',
    'application/octet-stream',
  ])('bodies may come as %s', async (type) => {
    const { statusCode } = await desk.app.inject({
      method: 'POST',
      url: '/subjects/s/versions',
      headers: { 'content-type': type },
      payload: '{"schema":"\\"int\\""}',
    });
    expect(statusCode).toBe(200);
  });

  it('tell what every broker knows', async () => {
    expect(await desk.get('/')).toEqual({});
    expect(await desk.get('/contexts')).toEqual(['.']);
    expect(await desk.get('/schemas/types')).toEqual(['AVRO']);
    expect(await desk.get('/v1/metadata/id')).toEqual({
      scope: { path: [], clusters: { 'kafka-cluster': 'cluster-1', 'schema-registry-cluster': 'schema-registry' } },
      id: '',
    });
    expect(await desk.get('/v1/metadata/version')).toEqual({ version: '1.2.3', commitId: '' });
  });
});

describe('ids', () => {
  it('are those of contents: the same schema has the same id under every subject', async () => {
    expect(await desk.register('a', V1)).toBe(1);
    expect(await desk.register('b', V2)).toBe(2);
    expect(await desk.register('b', V1, {}, '?force=true')).toBe(1);
    expect(await desk.register('a', V1)).toBe(1);
    expect(await desk.get('/schemas/ids/1/subjects')).toEqual(['a', 'b']);
    expect(await desk.get('/schemas/ids/1/versions')).toEqual([
      { subject: 'a', version: 1 },
      { subject: 'b', version: 2 },
    ]);
    expect(await desk.get('/schemas/ids/1/versions?subject=b')).toEqual([{ subject: 'b', version: 2 }]);
    expect(await desk.get('/schemas/ids/1?fetchMaxId=true')).toEqual({ schema: text(V1), maxId: 2 });
    expect(await desk.get('/schemas/ids/2/schema')).toEqual(V2);
  });

  it('another way to write the same schema is the same schema', async () => {
    const spelt = '{ "name": "User", "type": "record", "fields": [{"type": "int", "name": "id"}], "namespace": "n" }';
    const id = await desk.register('a', JSON.parse(spelt));
    expect(await desk.ask('POST', '/subjects/a/versions', { schema: spelt })).toEqual({ status: 200, body: { id } });
    const moreProperties = (order: string[]) => ({
      type: 'int',
      ...Object.fromEntries(order.map((name) => [name, 1])),
    });
    await desk.register('b', moreProperties(['x', 'y']));
    await desk.register('b', moreProperties(['y', 'x']));
    expect(await desk.get('/subjects/b/versions')).toEqual([1]);
  });

  it('a schema is normalised when asked, or when the subject is set so', async () => {
    const one = { type: 'fixed', name: 'F', size: 1, doc: '', aliases: ['B', 'A'] };
    const other = { type: 'fixed', name: 'F', size: 1, aliases: ['A', 'B'] };
    await desk.register('a', one, {}, '?normalize=true');
    await desk.register('a', other, {}, '?normalize=true');
    expect(await desk.get('/subjects/a/versions')).toEqual([1]);
    await desk.ask('PUT', '/config/b', { normalize: true });
    expect(await desk.get('/config/b')).toEqual({ normalize: true });
    await desk.register('b', one);
    expect(await desk.ask('POST', '/subjects/b', body(other))).toMatchObject({ status: 200 });
  });
});

describe('versions', () => {
  beforeEach(async () => {
    await desk.register('s', V1);
    await desk.register('s', V2);
  });

  it('are deleted softly, then for good', async () => {
    expect(await desk.refusal('DELETE', '/subjects/s/versions/1?permanent=true')).toEqual([
      404,
      40407,
      "Subject 's' Version 1 was not deleted first before being permanently deleted",
    ]);
    expect(await desk.ask('DELETE', '/subjects/s/versions/1')).toEqual({ status: 200, body: 1 });
    expect(await desk.refusal('DELETE', '/subjects/s/versions/1')).toEqual([
      404,
      40406,
      "Subject 's' Version 1 was soft deleted.Set permanent=true to delete permanently",
    ]);
    expect(await desk.get('/subjects/s/versions')).toEqual([2]);
    expect(await desk.get('/subjects/s/versions?deleted=true')).toEqual([1, 2]);
    expect(await desk.get('/subjects/s/versions?deletedOnly=true')).toEqual([1]);
    expect(await desk.get('/subjects/s/versions?deletedAsNegative=true')).toEqual([-1, 2]);
    expect(await desk.refusal('GET', '/subjects/s/versions/1')).toEqual([404, 40402, 'Version 1 not found.']);
    expect(await desk.get('/subjects/s/versions/1?deleted=true')).toMatchObject({ version: 1, id: 1 });
    expect(await desk.get('/schemas/ids/1'), 'what was written with it can still be read').toEqual({
      schema: text(V1),
    });
    expect(await desk.get('/schemas/ids/1/subjects')).toEqual([]);
    expect(await desk.get('/schemas/ids/1/subjects?deleted=true')).toEqual(['s']);
    expect(await desk.ask('DELETE', '/subjects/s/versions/1?permanent=true')).toEqual({ status: 200, body: 1 });
    expect(await desk.refusal('GET', '/schemas/ids/1')).toEqual([404, 40403, 'Schema 1 not found']);
  });

  it('of a deleted subject go on where they were', async () => {
    expect(await desk.ask('DELETE', '/subjects/s')).toEqual({ status: 200, body: [1, 2] });
    expect(await desk.get('/subjects')).toEqual([]);
    expect(await desk.get('/subjects?deleted=true')).toEqual(['s']);
    expect(await desk.refusal('GET', '/subjects/s/versions')).toEqual([404, 40401, "Subject 's' not found."]);
    expect(await desk.refusal('DELETE', '/subjects/s')).toEqual([
      404,
      40404,
      "Subject 's' was soft deleted.Set permanent=true to delete permanently",
    ]);
    expect(await desk.register('s', MISFIT), 'nothing alive stands against it').toBe(3);
    expect(await desk.get('/subjects/s/versions')).toEqual([3]);
    expect(await desk.refusal('DELETE', '/subjects/s?permanent=true')).toEqual([
      404,
      40405,
      "Subject 's' was not deleted first before being permanently deleted",
    ]);
  });

  it('a deleted schema that comes back has its id, and takes the place of the deleted version', async () => {
    await desk.ask('DELETE', '/subjects/s');
    expect(await desk.register('s', V1)).toBe(1);
    expect(await desk.get('/subjects/s/versions?deleted=true')).toEqual([2, 3]);
  });

  it('begin again when a subject was deleted for good, and its settings are gone', async () => {
    await desk.ask('PUT', '/config/s', { compatibility: 'FULL' });
    await desk.ask('DELETE', '/subjects/s');
    expect(await desk.ask('DELETE', '/subjects/s?permanent=true')).toEqual({ status: 200, body: [1, 2] });
    expect(await desk.refusal('GET', '/config/s')).toEqual([404, 40408, expect.any(String)]);
    await desk.register('s', V1);
    expect(await desk.get('/subjects/s/versions')).toEqual([1]);
  });

  it('are found by their schemas', async () => {
    expect(await desk.ask('POST', '/subjects/s', body(V1))).toMatchObject({ status: 200, body: { version: 1 } });
    expect(await desk.refusal('POST', '/subjects/s', body(MISFIT))).toEqual([404, 40403, 'Schema not found']);
    expect(await desk.refusal('POST', '/subjects/none', body(V1))).toEqual([404, 40401, "Subject 'none' not found."]);
    await desk.ask('DELETE', '/subjects/s/versions/1');
    expect(await desk.refusal('POST', '/subjects/s', body(V1))).toEqual([404, 40403, expect.any(String)]);
    expect(await desk.ask('POST', '/subjects/s?deleted=true', body(V1))).toMatchObject({ body: { version: 1 } });
  });

  it('may be told in advance, when they are the next', async () => {
    const v3 = user(field('id', 'int'));
    expect(await desk.refusal('POST', '/subjects/s/versions', body(v3, { version: 5 }))).toEqual([
      422,
      42201,
      'Version is not one more than previous version',
    ]);
    await desk.register('s', v3, { version: 3 });
    expect(await desk.get('/subjects/s/versions')).toEqual([1, 2, 3]);
  });

  it('are listed in pages', async () => {
    expect(await desk.get('/subjects/s/versions?offset=1')).toEqual([2]);
    expect(await desk.get('/subjects/s/versions?limit=1')).toEqual([1]);
    expect(await desk.get('/schemas?latestOnly=true')).toMatchObject([{ subject: 's', version: 2 }]);
    expect(await desk.get('/schemas?limit=1')).toMatchObject([{ subject: 's', version: 1 }]);
    expect(await desk.get('/schemas?subjectPrefix=other')).toEqual([]);
    expect(await desk.get('/subjects?subjectPrefix=:*:s')).toEqual(['s']);
    expect(await desk.refusal('GET', '/subjects?offset=x')).toEqual([400, 400, expect.any(String)]);
  });

  it.each(['0', '-2', 'last', '2147483648', '1.5', '1e3'])('%s is no version', async (version) => {
    expect(await desk.refusal('GET', `/subjects/s/versions/${version}`)).toEqual([
      422,
      42202,
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the ` +
        'string "latest"',
    ]);
  });

  it('the latest with the metadata asked for', async () => {
    const metadata = { properties: { owner: 'me' } };
    await desk.register('s', V2, { metadata });
    expect(await desk.get('/subjects/s/metadata?key=owner&value=me')).toMatchObject({ version: 2 + 1, metadata });
    expect(await desk.refusal('GET', '/subjects/s/metadata?key=owner&value=you')).toEqual([
      404,
      40403,
      expect.any(String),
    ]);
  });
});

describe('references', () => {
  const ADDRESS = { type: 'record', name: 'Address', namespace: 'n', fields: [field('street', 'string')] };
  const HOUSE = { type: 'record', name: 'House', namespace: 'n', fields: [field('at', 'Address')] };
  const TOWN = {
    type: 'record',
    name: 'Town',
    namespace: 'n',
    fields: [field('houses', { type: 'array', items: 'House' })],
  };
  const references = [{ name: 'n.Address', subject: 'address', version: 1 }];

  beforeEach(async () => {
    await desk.register('address', ADDRESS);
    await desk.register('house', HOUSE, { references });
  });

  it('are given back with the schema', async () => {
    expect(await desk.get('/subjects/house/versions/1')).toEqual({
      subject: 'house',
      version: 1,
      id: 2,
      references,
      schema: text(HOUSE),
    });
    expect(await desk.get('/schemas/ids/2')).toEqual({ schema: text(HOUSE), references });
    expect(await desk.get('/subjects/address/versions/1/referencedby')).toEqual([2]);
  });

  it('of references are found, too', async () => {
    await desk.register('town', TOWN, { references: [{ name: 'n.House', subject: 'house', version: -1 }] });
    expect(await desk.get('/subjects/town/versions/1')).toMatchObject({
      references: [{ name: 'n.House', subject: 'house', version: 1 }],
    });
    expect(await desk.get('/schemas/ids/3?format=resolved')).toMatchObject({
      schema: expect.stringContaining('"street"'),
    });
  });

  it('are part of what is compared', async () => {
    await desk.register('address', {
      ...ADDRESS,
      fields: [field('street', 'string'), field('no', 'int', { default: 0 })],
    });
    const other = { ...ADDRESS, fields: [field('street', 'int')] };
    await desk.register('other-address', other);
    const more = { references: [{ name: 'n.Address', subject: 'other-address', version: 1 }] };
    const answer = await desk.refusal('POST', '/subjects/house/versions', body(HOUSE, more));
    expect(answer).toEqual([409, 409, expect.any(String)]);
    expect(answer[2]).toContain("path '/fields/0/type/fields/0/type'");
  });

  it('a schema that spells out what another refers to is the same', async () => {
    const spelt = { ...HOUSE, fields: [field('at', { ...ADDRESS })] };
    expect(await desk.ask('POST', '/subjects/house', body(spelt))).toMatchObject({ status: 200, body: { id: 2 } });
    expect(await desk.register('house', spelt)).toBe(2);
  });

  it('keep what they refer to from being deleted', async () => {
    const told = 'One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=address,version=1}.';
    expect(await desk.refusal('DELETE', '/subjects/address')).toEqual([422, 42206, told]);
    expect(await desk.refusal('DELETE', '/subjects/address/versions/1')).toEqual([422, 42206, told]);
    await desk.ask('DELETE', '/subjects/house');
    expect(await desk.ask('DELETE', '/subjects/address')).toMatchObject({ status: 200 });
    expect(await desk.refusal('DELETE', '/subjects/address?permanent=true')).toEqual([422, 42206, told]);
    await desk.ask('DELETE', '/subjects/house?permanent=true');
    expect(await desk.ask('DELETE', '/subjects/address?permanent=true')).toMatchObject({ status: 200 });
  });

  it.each([
    ['a version that is not there', { name: 'n.Address', subject: 'address', version: 9 }, /No schema reference found/],
    ['a subject that is not there', { name: 'n.Address', subject: 'none', version: 1 }, /No schema reference found/],
    ['without a name', { subject: 'address', version: 1 }, /Invalid reference/],
  ])('to %s are refused', async (_name, reference, message) => {
    const answer = await desk.refusal('POST', '/subjects/x/versions', body(HOUSE, { references: [reference] }));
    expect(answer).toEqual([422, 42201, expect.stringMatching(message)]);
  });
});

describe('compatibility tests', () => {
  beforeEach(async () => {
    await desk.register('s', V1);
    await desk.register('s', V2);
  });

  it('say what differs when asked', async () => {
    const url = '/compatibility/subjects/s/versions/latest';
    expect(await desk.ask('POST', url, body(MISFIT))).toEqual({ status: 200, body: { is_compatible: false } });
    expect(await desk.ask('POST', `${url}?verbose=true`, body(MISFIT))).toMatchObject({
      status: 200,
      body: {
        is_compatible: false,
        messages: [expect.stringContaining('/fields/0/type'), {}, {}, {}].fill(expect.any(String), 1),
      },
    });
    expect(await desk.ask('POST', `${url}?verbose=true`, body(V1))).toEqual({
      status: 200,
      body: { is_compatible: true, messages: [] },
    });
  });

  it('against all versions as far as the level says', async () => {
    const v3 = user(field('id', 'int'), field('name', 'string'), field('email', 'int', { default: 0 }));
    const url = '/compatibility/subjects/s/versions';
    expect(await desk.ask('POST', url, body(v3))).toMatchObject({ body: { is_compatible: false } });
    await desk.ask('DELETE', '/subjects/s/versions/2');
    expect(await desk.ask('POST', url, body(v3))).toMatchObject({ body: { is_compatible: true } });
    await desk.ask('PUT', '/config/s', { compatibility: 'FULL_TRANSITIVE' });
    expect(await desk.ask('POST', url, body(user(field('id', 'int'))))).toMatchObject({
      body: { is_compatible: false },
    });
  });

  it('of a subject that is not there: a version is missed, the latest is nothing that could differ', async () => {
    expect(await desk.refusal('POST', '/compatibility/subjects/none/versions/1', body(V1))).toEqual([
      404,
      40402,
      'Version 1 not found.',
    ]);
    for (const path of ['/latest', ''])
      expect(await desk.ask('POST', `/compatibility/subjects/none/versions${path}`, body(V1))).toMatchObject({
        body: { is_compatible: true },
      });
  });

  it('of what is no schema', async () => {
    const url = '/compatibility/subjects/s/versions/latest';
    expect(await desk.refusal('POST', url, { schema: '{' })).toEqual([422, 42201, expect.any(String)]);
    expect(await desk.ask('POST', `${url}?verbose=true`, { schema: '{' })).toMatchObject({
      status: 200,
      body: { is_compatible: false, messages: [expect.stringContaining('Invalid schema')] },
    });
  });
});

describe('what cannot be meant is refused', () => {
  it.each([
    ['JSON Schema', { schema: '{}', schemaType: 'JSON' }, 42201, 'Invalid schema type JSON'],
    ['Protobuf', { schema: 'message A {}', schemaType: 'PROTOBUF' }, 42201, 'Invalid schema type PROTOBUF'],
    ['an empty schema', { schema: ' ' }, 42201, 'Empty schema'],
    ['no schema', {}, 42201, 'Empty schema'],
    ['a schema that is an object', { schema: {} }, 422, 'schema is not a string'],
    ['references that are no list', { schema: '"int"', references: {} }, 422, 'references is not a list'],
    ['a list', [], 422, 'The request needs a body that is a JSON object'],
    ['no body', '', 422, 'The request needs a body that is a JSON object'],
  ])('%s', async (_name, sent, code, message) => {
    expect(await desk.refusal('POST', '/subjects/s/versions', sent)).toEqual([422, code, message]);
  });

  it('what is wrong with a schema is told', async () => {
    const [, code, message] = await desk.refusal('POST', '/subjects/s/versions', {
      schema: '{"type":"record","name":"a-b","fields":[]}',
    });
    expect(code).toBe(42201);
    expect(message).toBe(
      'Invalid schema {"type":"record","name":"a-b","fields":[]} with refs [] of type AVRO, ' +
        'details: Illegal character in: a-b',
    );
  });

  it('names of subjects', async () => {
    for (const subject of ['%0A', ':.ctx:s', '__GLOBAL'])
      expect(await desk.refusal('POST', `/subjects/${subject}/versions`, body(V1))).toEqual([
        422,
        42208,
        expect.any(String),
      ]);
    await desk.register(':.:in default', V1);
    await desk.register('a/b ü', V1);
    expect(await desk.get('/subjects')).toEqual(['a/b ü', 'in default']);
    expect(await desk.get('/subjects/a%2Fb%20%C3%BC/versions')).toEqual([1]);
  });

  it('ids that are none', async () => {
    expect(await desk.refusal('GET', '/schemas/ids/x')).toEqual([404, 404, 'HTTP 404 Not Found']);
    expect(await desk.refusal('GET', '/schemas/ids/99')).toEqual([404, 40403, 'Schema 99 not found']);
    expect(await desk.refusal('GET', '/schemas/ids/99/subjects')).toEqual([404, 40403, 'Schema not found']);
  });

  it('a schema that the log would not take', async () => {
    const doc = '"'.repeat(60_000);
    expect(await desk.refusal('POST', '/subjects/s/versions', body({ ...V1, doc }))).toEqual([
      422,
      42209,
      'Register operation failed because schema is too large',
    ]);
  });

  it('subjects named as parts of objects are subjects', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      await desk.register(name, V1);
      await desk.ask('PUT', `/config/${name}`, { compatibility: 'FULL' });
      expect(await desk.get(`/subjects/${name}/versions`)).toEqual([1]);
    }
  });
});
