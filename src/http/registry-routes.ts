/** The endpoints of the Schema Registry, one line each where one line is enough; the paths are Confluent's. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RegistryError } from '../registry/registry-errors.ts';
import type { SchemaRegistry } from '../registry/schema-registry.ts';
import { newSubjectName, subjectName, subjectPrefix, versionNumber } from '../registry/subject-name.ts';
import type { TextFormat } from '../registry/subject-queries.ts';
import { COMPATIBILITIES, SCHEMAS, SETTINGS, SUBJECTS, VERSIONS } from './registry-descriptions.ts';
import { configAnswer, configChangeAnswer, schemaAnswer, versionAnswer } from './registry-answers.ts';
import {
  configChangeOf,
  deletedOf,
  flag,
  modeOf,
  paged,
  pageOf,
  type Query,
  registrationOf,
  text,
  texts,
} from './registry-requests.ts';

/** What routes need of the registry. */
export type RegistryPort = Pick<SchemaRegistry, 'read' | 'change' | 'isLeader'>;

interface Asked {
  readonly query: Query;
  readonly body: unknown;
  /** Parts of the path. */
  readonly subject: string;
  readonly version: string;
  readonly id: number;
}

type Route = (asked: Asked) => Promise<unknown>;

const MAX_SUBJECTS = 20_000;
const MAX_VERSIONS = 20_000;
const MAX_SCHEMAS = 1000;
const MAX_ID = 2 ** 31 - 1;

export function subjectRoutes(app: FastifyInstance, registry: RegistryPort): void {
  app.get(
    '/subjects',
    { schema: SUBJECTS.list },
    route(async ({ query }) => {
      const prefix = subjectPrefix(text(query, 'subjectPrefix') ?? '');
      const page = pageOf(query, MAX_SUBJECTS);
      return paged(await registry.read((queries) => queries.subjects(prefix, deletedOf(query))), page);
    }),
  );
  app.post(
    '/subjects/:subject',
    { schema: SUBJECTS.lookUp },
    route(async ({ query, body, subject }) => {
      const request = registrationOf(body);
      const options = { isNormalized: flag(query, 'normalize'), withDeleted: flag(query, 'deleted') };
      return registry.read((queries) => {
        const found = queries.lookUp(subject, request, options);
        return versionAnswer(found, queries.text(found, formatOf(query)));
      });
    }),
  );
  app.delete(
    '/subjects/:subject',
    { schema: SUBJECTS.delete },
    route(({ query, subject }) =>
      registry.change((changes) => changes.deleteSubject(subject, flag(query, 'permanent'))),
    ),
  );
  app.get(
    '/subjects/:subject/metadata',
    { schema: SUBJECTS.metadata },
    route(({ query, subject }) => {
      const values = texts(query, 'value');
      const wanted = new Map(
        texts(query, 'key').flatMap((key, i) => (i < values.length ? [[key, values[i] ?? '']] : [])),
      );
      return registry.read((queries) => {
        const found = queries.latestWithMetadata(subject, wanted, flag(query, 'deleted'));
        return versionAnswer(found, queries.text(found, formatOf(query)));
      });
    }),
  );
  versionRoutes(app, registry);
}

function versionRoutes(app: FastifyInstance, registry: RegistryPort): void {
  app.get(
    '/subjects/:subject/versions',
    { schema: VERSIONS.list },
    route(async ({ query, subject }) => {
      const page = pageOf(query, MAX_VERSIONS);
      const asNegative = flag(query, 'deletedAsNegative');
      const deleted = asNegative ? 'with' : deletedOf(query);
      const found = await registry.read((queries) => queries.versions(subject, deleted));
      return paged(found, page).map((schema) => (asNegative && schema.deleted ? -schema.version : schema.version));
    }),
  );
  app.post(
    '/subjects/:subject/versions',
    { schema: VERSIONS.register },
    route(async ({ query, body, subject }) => {
      const request = registrationOf(body);
      const options = { isNormalized: flag(query, 'normalize'), isForced: flag(query, 'force') };
      return { id: await registry.change((changes) => changes.register(newSubjectName(subject), request, options)) };
    }),
  );
  app.get(
    '/subjects/:subject/versions/:version',
    { schema: VERSIONS.one },
    route(({ query, subject, version }) =>
      registry.read((queries) => {
        const found = queries.version(subject, versionNumber(version), flag(query, 'deleted'));
        return versionAnswer(found, queries.text(found, formatOf(query)));
      }),
    ),
  );
  app.get(
    '/subjects/:subject/versions/:version/schema',
    { schema: VERSIONS.schema },
    route(({ query, subject, version }) =>
      registry.read((queries) => {
        const found = queries.version(subject, versionNumber(version), flag(query, 'deleted'));
        return queries.text(found, formatOf(query));
      }),
    ),
  );
  app.get(
    '/subjects/:subject/versions/:version/referencedby',
    { schema: VERSIONS.referencedBy },
    route(async ({ query, subject, version }) => {
      const page = pageOf(query, MAX_SCHEMAS);
      const withDeleted = flag(query, 'deleted');
      return paged(
        await registry.read((queries) => queries.referencedBy(subject, versionNumber(version), withDeleted)),
        page,
      );
    }),
  );
  app.delete(
    '/subjects/:subject/versions/:version',
    { schema: VERSIONS.delete },
    route(({ query, subject, version }) =>
      registry.change((changes) => changes.deleteVersion(subject, versionNumber(version), flag(query, 'permanent'))),
    ),
  );
}

export function schemaRoutes(app: FastifyInstance, registry: RegistryPort): void {
  app.get(
    '/schemas',
    { schema: SCHEMAS.list },
    route(({ query }) => {
      const prefix = subjectPrefix(text(query, 'subjectPrefix') ?? '');
      const page = pageOf(query, MAX_SCHEMAS);
      return registry.read((queries) => {
        const found = queries.schemas(prefix, flag(query, 'deleted'), flag(query, 'latestOnly'));
        return paged(found, page).map((schema) => versionAnswer(schema, schema.schema));
      });
    }),
  );
  app.get(
    '/schemas/ids/:id',
    { schema: SCHEMAS.one },
    route(({ query, id }) =>
      registry.read((queries) => {
        const found = queries.byId(id);
        const maxId = flag(query, 'fetchMaxId') ? { maxId: queries.lastId() } : {};
        return { ...schemaAnswer(found, queries.text(found, formatOf(query))), ...maxId };
      }),
    ),
  );
  app.get(
    '/schemas/ids/:id/schema',
    { schema: SCHEMAS.schema },
    route(({ query, id }) => registry.read((queries) => queries.text(queries.byId(id), formatOf(query)))),
  );
  app.get(
    '/schemas/ids/:id/subjects',
    { schema: SCHEMAS.subjects },
    route(async ({ query, id }) => {
      const page = pageOf(query, MAX_SUBJECTS);
      const places = await registry.read((queries) => queries.placesOf(id, subjectOf(query), flag(query, 'deleted')));
      return paged([...new Set(places.map(({ subject }) => subject))], page);
    }),
  );
  app.get(
    '/schemas/ids/:id/versions',
    { schema: SCHEMAS.versions },
    route(async ({ query, id }) => {
      const page = pageOf(query, MAX_VERSIONS);
      const places = await registry.read((queries) => queries.placesOf(id, subjectOf(query), flag(query, 'deleted')));
      return paged(places, page).map(({ subject, version }) => ({ subject, version }));
    }),
  );
}

export function compatibilityRoutes(app: FastifyInstance, registry: RegistryPort): void {
  const test = ({ query, body, subject }: Asked, version: number | null): Promise<unknown> => {
    const request = registrationOf(body);
    const isVerbose = flag(query, 'verbose');
    return registry.read((queries) => {
      const options = { isNormalized: flag(query, 'normalize'), isVerbose };
      const { isCompatible, messages } = queries.testCompatibility(subject, version, request, options);
      return { is_compatible: isCompatible, ...(isVerbose ? { messages } : {}) };
    });
  };
  app.post(
    '/compatibility/subjects/:subject/versions',
    { schema: COMPATIBILITIES.withAll },
    route((asked) => test(asked, null)),
  );
  app.post(
    '/compatibility/subjects/:subject/versions/:version',
    { schema: COMPATIBILITIES.withOne },
    route((asked) => test(asked, versionNumber(asked.version))),
  );
}

/** Of the registry as a whole, and of one subject. */
export function settingRoutes(app: FastifyInstance, registry: RegistryPort): void {
  for (const [path, described] of [
    ['', SETTINGS.all],
    ['/:subject', SETTINGS.subject],
  ] as const) {
    const isOfSubject = path !== '';
    const named = ({ subject }: Asked): string | null => (isOfSubject && subject !== '' ? subject : null);
    app.get(
      `/config${path}`,
      { schema: described.config },
      route(async (asked) =>
        configAnswer(
          await registry.read((queries) => queries.config(named(asked), flag(asked.query, 'defaultToGlobal'))),
        ),
      ),
    );
    app.put(
      `/config${path}`,
      { schema: described.setConfig },
      route(async (asked) => {
        const change = configChangeOf(asked.body);
        return configChangeAnswer(await registry.change((changes) => changes.setConfig(named(asked), change)));
      }),
    );
    app.delete(
      `/config${path}`,
      { schema: described.deleteConfig },
      route(async (asked) => configAnswer(await registry.change((changes) => changes.deleteConfig(named(asked))))),
    );
    app.get(
      `/mode${path}`,
      { schema: described.mode },
      route(async (asked) => ({
        mode: await registry.read((queries) => queries.mode(named(asked), flag(asked.query, 'defaultToGlobal'))),
      })),
    );
    app.put(
      `/mode${path}`,
      { schema: described.setMode },
      route(async (asked) => {
        const mode = modeOf(asked.body);
        const isForced = flag(asked.query, 'force');
        return { mode: await registry.change((changes) => changes.setMode(named(asked), mode, isForced)) };
      }),
    );
    app.delete(
      `/mode${path}`,
      { schema: described.deleteMode },
      route(async (asked) => ({
        mode: await registry.change((changes) => changes.deleteMode(named(asked))),
      })),
    );
  }
}

/** Parts of the path and the query in the shapes that routes expect; what is wrong with them is said first. */
function route(answer: Route): (request: FastifyRequest) => Promise<string> {
  return async ({ params, query, body }) => {
    const { subject = '', version = '', id = '0' } = params as { [name: string]: string | undefined };
    const asked = { query: query as Query, body, subject: subjectName(subject), version, id: idOf(id) };
    const answered = await answer(asked);
    // Texts go out as they are: they are schemas, JSON already.
    return typeof answered === 'string' ? answered : JSON.stringify(answered);
  };
}

function idOf(written: string): number {
  const id = /^\d{1,10}$/.test(written) ? Number(written) : Number.NaN;
  if (Number.isNaN(id) || id > MAX_ID) throw new RegistryError(404, 'HTTP 404 Not Found');
  return id;
}

function subjectOf(query: Query): string | null {
  const subject = text(query, 'subject') ?? '';
  return subject === '' ? null : subjectName(subject);
}

function formatOf(query: Query): TextFormat {
  return text(query, 'format') === 'resolved' ? 'resolved' : 'default';
}
