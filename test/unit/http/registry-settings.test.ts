/** What the Schema Registry is set to, as a whole and subject by subject: levels, groups, modes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RegistryDesk } from '../../support/registry-desk.ts';
import { body, field, MISFIT, user, V1, V2 } from '../../support/user-schemas.ts';

let desk: RegistryDesk;
beforeEach(() => {
  desk = RegistryDesk.leading();
});
afterEach(() => desk.close());

describe('settings', () => {
  it('of a subject go before those of all', async () => {
    await desk.register('s', V1);
    await desk.ask('PUT', '/config', { compatibility: 'NONE' });
    await desk.ask('PUT', '/config/s', { compatibility: 'FULL' });
    expect(await desk.refusal('POST', '/subjects/s/versions', body(MISFIT))).toEqual([409, 409, expect.any(String)]);
    expect(await desk.ask('DELETE', '/config/s')).toEqual({ status: 200, body: { compatibilityLevel: 'FULL' } });
    await desk.register('s', MISFIT);
    expect(await desk.get('/config/s?defaultToGlobal=true')).toEqual({ compatibilityLevel: 'NONE' });
    expect(await desk.refusal('GET', '/config/s')).toEqual([
      404,
      40408,
      "Subject 's' does not have subject-level compatibility configured",
    ]);
    expect(await desk.refusal('DELETE', '/config/s')).toEqual([404, 40401, "Subject 's' not found."]);
    expect(await desk.ask('DELETE', '/config')).toEqual({ status: 200, body: { compatibilityLevel: 'NONE' } });
    expect(await desk.get('/config')).toEqual({ compatibilityLevel: 'BACKWARD' });
  });

  it.each([
    ['/config', { compatibility: 'SIDEWAYS' }, 42203],
    ['/config/s', { compatibility: 5 }, 42203],
    ['/config', { alias: 'x' }, 42205],
    ['/config', { compatibilityGroup: 5 }, 422],
    ['/config', [], 422],
    ['/config', {}, 422],
    ['/config/s', { compatibilityLevel: 'FULL' }, 422],
    ['/config', '{', 400],
    ['/mode', { mode: 'ASLEEP' }, 42204],
    ['/mode/s', { mode: 'FORWARD' }, 42204],
    ['/mode', {}, 42204],
  ])('%s of %j is refused', async (url, sent, code) => {
    expect((await desk.refusal('PUT', url, sent))[1]).toBe(code);
  });

  it('that say nothing are none', async () => {
    expect(await desk.refusal('PUT', '/config/s', { compat: 'NONE' })).toEqual([
      422,
      422,
      'There is nothing to set: the body has none of compatibility, normalize, compatibilityGroup',
    ]);
    expect(await desk.ask('PUT', '/config/s', { compatibility: null })).toEqual({ status: 200, body: {} });
    expect((await desk.refusal('GET', '/config/s'))[1]).toBe(40408);
    await desk.ask('PUT', '/config/s', { compatibilityGroup: 'major', other: 1 });
    await desk.ask('PUT', '/config/s', { compatibilityGroup: null });
    expect((await desk.refusal('GET', '/config/s'))[1]).toBe(40408);
  });

  it('begin with the level that the configuration says', async () => {
    const strict = RegistryDesk.leading(undefined, { defaultLevel: 'FULL' });
    try {
      expect(await strict.get('/config')).toEqual({ compatibilityLevel: 'FULL' });
      await strict.register('s', user(field('id', 'int')));
      const [status, , message] = await strict.refusal('POST', '/subjects/s/versions', body(V1));
      expect(status).toBe(409);
      expect(message).toContain("compatibility: 'FULL'");
    } finally {
      await strict.close();
    }
  });

  it('a group of schemas is compared among its own', async () => {
    const version = (major: string) => ({ metadata: { properties: { major } } });
    expect(await desk.ask('PUT', '/config/s', { compatibilityGroup: 'major' })).toEqual({
      status: 200,
      body: { compatibilityGroup: 'major' },
    });
    expect(await desk.get('/config/s?defaultToGlobal=true')).toEqual({
      compatibilityLevel: 'BACKWARD',
      compatibilityGroup: 'major',
    });
    await desk.register('s', V1, version('1'));
    await desk.register('s', MISFIT, version('2'));
    await desk.register('s', V2, version('1'));
    expect((await desk.refusal('POST', '/subjects/s/versions', body(V2, version('2'))))[0]).toBe(409);
    await desk.ask('PUT', '/config/s', { compatibility: 'FULL', compatibilityGroup: null });
    expect(await desk.get('/config/s')).toEqual({ compatibilityLevel: 'FULL' });
    expect((await desk.refusal('POST', '/subjects/s/versions', body(MISFIT, version('3'))))[0]).toBe(409);
  });

  it('a subject is read only, or all are', async () => {
    await desk.register('s', V1);
    expect(await desk.get('/mode')).toEqual({ mode: 'READWRITE' });
    expect(await desk.refusal('GET', '/mode/s')).toEqual([
      404,
      40409,
      "Subject 's' does not have subject-level mode configured",
    ]);
    expect(await desk.ask('PUT', '/mode/s', { mode: 'readonly' })).toEqual({ status: 200, body: { mode: 'READONLY' } });
    const refused = [422, 42205, 'Subject s is in read-only mode'];
    expect(await desk.refusal('POST', '/subjects/s/versions', body(V2))).toEqual(refused);
    expect(await desk.refusal('DELETE', '/subjects/s')).toEqual(refused);
    expect(await desk.refusal('DELETE', '/subjects/s/versions/1')).toEqual(refused);
    expect(await desk.refusal('PUT', '/config/s', { compatibility: 'NONE' })).toEqual(refused);
    await desk.register('other', V2);
    expect(await desk.ask('DELETE', '/mode/s')).toEqual({ status: 200, body: { mode: 'READONLY' } });
    await desk.ask('PUT', '/mode/s', { mode: 'READWRITE' });
    await desk.ask('PUT', '/mode', { mode: 'READONLY' });
    await desk.register('s', V2);
    await desk.ask('PUT', '/mode', { mode: 'READONLY_OVERRIDE' });
    expect(await desk.refusal('POST', '/subjects/s/versions', body(MISFIT))).toEqual(refused);
    expect(await desk.get('/mode/s?defaultToGlobal=true')).toEqual({ mode: 'READONLY_OVERRIDE' });
  });

  it('in import mode ids and versions come from elsewhere, and nothing is compared', async () => {
    expect(await desk.refusal('POST', '/subjects/s/versions', body(V1, { id: 7 }))).toEqual([
      422,
      42205,
      expect.any(String),
    ]);
    await desk.register('other', user(field('x', 'int')));
    expect(await desk.refusal('PUT', '/mode', { mode: 'IMPORT' })).toEqual([
      422,
      42205,
      'Cannot import since found existing subjects',
    ]);
    await desk.ask('PUT', '/mode/s', { mode: 'IMPORT' });
    expect(await desk.register('s', V1, { id: 70, version: 3 })).toBe(70);
    expect(await desk.register('s', MISFIT, { id: 80, version: 9 })).toBe(80);
    expect(await desk.refusal('POST', '/subjects/s/versions', body(V2, { id: 70, version: 10 }))).toEqual([
      422,
      42205,
      'Overwrite new schema with id 70 is not permitted.',
    ]);
    expect(await desk.refusal('POST', '/subjects/s/versions', body(V2))).toEqual([422, 42205, expect.any(String)]);
    expect(await desk.get('/subjects/s/versions')).toEqual([3, 9]);
    expect(await desk.register('fresh', V2), 'ids go on behind those').toBe(81);
  });
});
