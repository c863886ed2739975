/** What is asked of the registry for records, how often, and how its refusals are told. */
import { expect, it } from 'vitest';
import { RegistryError } from '../../../src/registry/registry-errors.ts';
import { RegistrySchemas } from '../../../src/rest/schema-lookup.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const USER = '{"type":"record","name":"User","fields":[{"name":"id","type":"int"}]}';

function newDesk(answers: { readonly [question: string]: unknown }) {
  const questions: string[] = [];
  const clock = new ManualClock();
  const schemas = new RegistrySchemas(async (method, path, body) => {
    const question = `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`;
    questions.push(question);
    const answer = answers[`${method} ${path}`];
    if (answer instanceof Error) throw answer;
    return typeof answer === 'function' ? answer() : answer;
  }, clock);
  return { schemas, questions, clock };
}

it('an id is asked for once, also by many at the same time, with all that it refers to', async () => {
  const { schemas, questions } = newDesk({ 'GET /schemas/ids/3?format=resolved': { schema: USER } });
  const [one, other] = await Promise.all([schemas.byId(3), schemas.byId(3)]);
  expect(one).toBe(other);
  expect(await schemas.byId(3)).toMatchObject({ id: 3, root: { type: 'record' } });
  expect(questions).toEqual(['GET /schemas/ids/3?format=resolved']);
});

it('what is not there is asked for again', async () => {
  let isThere = false;
  const { schemas } = newDesk({
    'GET /schemas/ids/3?format=resolved': () => {
      if (!isThere) throw new RegistryError(40403, 'Schema 3 not found');
      return { schema: USER };
    },
  });
  await expect(schemas.byId(3)).rejects.toMatchObject({ code: 40403 });
  isThere = true;
  expect(await schemas.byId(3)).toMatchObject({ id: 3 });
});

it('a text is looked up, registered when it is new, and remembered for a while', async () => {
  let isRegistered = false;
  const { schemas, questions, clock } = newDesk({
    'POST /subjects/a%2Fb-value': () => {
      if (!isRegistered) throw new RegistryError(40401, "Subject 'a/b-value' not found.");
      return { id: 5, version: 1 };
    },
    'POST /subjects/a%2Fb-value/versions': () => {
      isRegistered = true;
      return { id: 5 };
    },
  });
  const spaced = USER.replaceAll(',', ' , ');
  expect(await schemas.ofText('a/b-value', spaced)).toMatchObject({ id: 5, version: 1, subject: 'a/b-value' });
  const body = JSON.stringify({ schema: USER });
  const lookUp = `POST /subjects/a%2Fb-value ${body}`;
  expect(questions).toEqual([lookUp, `POST /subjects/a%2Fb-value/versions ${body}`, lookUp]);
  await schemas.ofText('a/b-value', spaced);
  expect(questions).toHaveLength(3);
  clock.advance(31_000);
  await schemas.ofText('a/b-value', spaced);
  await schemas.ofText('a/b-value', USER);
  expect(questions.slice(3)).toEqual([lookUp, lookUp]);
});

it('under a subject: by id and by version', async () => {
  const { schemas } = newDesk({
    'GET /schemas/ids/3?format=resolved': { schema: USER },
    'GET /schemas/ids/3/versions?subject=t-value': [{ subject: 't-value', version: 4 }],
    'GET /schemas/ids/3/versions?subject=u-value': [],
    'GET /subjects/t-value/versions/latest?format=resolved': { id: 9, version: 6, schema: '"int"' },
  });
  expect(await schemas.ofSubject('t-value', 3)).toMatchObject({ id: 3, version: 4, subject: 't-value' });
  await expect(schemas.ofSubject('u-value', 3)).rejects.toMatchObject({ status: 422, code: 42207 });
  expect(await schemas.atVersion('t-value', 'latest')).toMatchObject({ id: 9, version: 6, root: { type: 'int' } });
});

it('refusals are told with what was to be done', async () => {
  const refused = new RegistryError(409, 'Schema being registered is incompatible');
  const { schemas } = newDesk({
    'POST /subjects/t-value': new RegistryError(40403, 'Schema not found'),
    'POST /subjects/t-value/versions': refused,
    'GET /schemas/ids/3?format=resolved': { schema: '{}', schemaType: 'PROTOBUF' },
    'GET /schemas/ids/4?format=resolved': { schema: '{}' },
  });
  await expect(schemas.ofText('t-value', '"int"')).rejects.toMatchObject({
    code: 42207,
    message:
      'Error serializing message. Error when registering schema. format = AVRO, subject = t-value, schema = "int"\n' +
      'Schema being registered is incompatible; error code: 409',
  });
  await expect(schemas.ofText('t-value', '{"type":"recor')).rejects.toMatchObject({ status: 422, code: 42205 });
  await expect(schemas.byId(3)).rejects.toMatchObject({ code: 400 });
  await expect(schemas.byId(4)).rejects.toMatchObject({ code: 42205 });
});

it('a registry that has no leader is no fault of the schema', async () => {
  const unavailable = new RegistryError(50004, 'Leader not known.');
  const { schemas } = newDesk({
    'POST /subjects/t-value': unavailable,
    'GET /schemas/ids/3?format=resolved': unavailable,
  });
  await expect(schemas.ofText('t-value', '"int"')).rejects.toBe(unavailable);
  await expect(schemas.ofSubject('t-value', 3)).rejects.toBe(unavailable);
});
