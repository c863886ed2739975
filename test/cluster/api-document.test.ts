/** What a broker with all its routes says of itself. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { TAGS } from '../../src/http/api-description.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { type OpenApi, operationsOf } from '../support/open-api.ts';
import { useCluster } from '../support/use-cluster.ts';

describe('the API of a broker', () => {
  const cluster = useCluster({
    brokers: 1,
    overrides: {
      ...WITH_HTTP,
      'access.control.allow.origin': 'https://*.example.com',
      'access.control.allow.methods': 'GET,PUT',
      'schema.compatibility.level': 'full_transitive',
    },
  });

  async function documentOf(): Promise<OpenApi> {
    const response = await fetch(`${httpAddress(cluster().broker(1))}/openapi.json`);
    return (await response.json()) as OpenApi;
  }

  it('is described in whole, and the description is valid', async () => {
    const document = await documentOf();
    expect(document.servers).toEqual([{ url: httpAddress(cluster().broker(1)) }]);
    expect(await new Validator().validate(structuredClone({ ...document }))).toEqual({ valid: true });
    const operations = operationsOf(document);
    const tags: ReadonlySet<string> = new Set(TAGS.map(({ name }) => name));
    const undescribed = operations.filter(
      ({ summary = '', tags: own = [] }) => summary === '' || own.length !== 1 || !tags.has(own[0] ?? ''),
    );
    expect(undescribed.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    expect(new Set(operations.flatMap(({ tags: own = [] }) => own))).toEqual(tags);
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('parts of paths are told, each once and by one name', async () => {
    const paths = Object.keys((await documentOf()).paths);
    expect(new Set(paths.map((path) => path.replace(/\{\w+\}/g, '{}'))).size).toBe(paths.length);
    for (const { path, parameters = [] } of operationsOf(await documentOf())) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const told = parameters.filter(({ in: place }) => place === 'path').map(({ name }) => name);
      expect([...told].sort(), path).toEqual([...named].sort());
    }
  });

  it('is open to pages of the origins that the configuration names, and begins as strict as it says', async () => {
    const url = `${httpAddress(cluster().broker(1))}/config`;
    const allowedFor = async (origin: string, method = 'GET') => {
      const { headers } = await fetch(url, { method, headers: { origin, 'access-control-request-method': 'PUT' } });
      return [headers.get('access-control-allow-origin'), headers.get('access-control-allow-methods')];
    };
    expect(await allowedFor('https://www.example.com')).toEqual(['https://www.example.com', null]);
    expect(await allowedFor('https://www.example.com', 'OPTIONS')).toEqual(['https://www.example.com', 'GET, PUT']);
    expect(await allowedFor('https://www.example.org')).toEqual([null, null]);
    expect(await (await fetch(url)).json()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' });
  });

  it('every path answers another method with 405 and names those it has', async () => {
    const address = httpAddress(cluster().broker(1));
    const methods = new Map<string, string[]>();
    for (const { method, path } of operationsOf(await documentOf()))
      methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()]);
    for (const [path, known] of methods) {
      const response = await fetch(address + path.replace(/\{\w+\}/g, '1'), { method: 'PROPFIND' });
      expect([path, response.status]).toEqual([path, 405]);
      const allowed = response.headers.get('allow')?.split(', ') ?? [];
      for (const method of known) expect(allowed, path).toContain(method);
      expect(await response.json()).toEqual({ error_code: 405, message: 'HTTP 405 Method Not Allowed' });
    }
  });
});
