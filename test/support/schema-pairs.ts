/**
 * Pairs of Avro schemas, an older and a newer one, for the rules of compatibility: Avro Java has decided each of them
 * (test/unit/registry/compatibility-verdicts.tsv) and decides again in test/interop/avro.test.ts.
 */

export interface SchemaPair {
  readonly name: string;
  readonly older: unknown;
  readonly newer: unknown;
}

const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const record = (name: string, fields: readonly unknown[], more: object = {}) => ({
  type: 'record',
  name,
  fields,
  ...more,
});
const user = (...fields: unknown[]) => record('User', fields);
const colour = (symbols: readonly string[], more: object = {}) => ({ type: 'enum', name: 'Colour', symbols, ...more });
const fixed = (size: number, more: object = {}) => ({ type: 'fixed', name: 'Hash', size, ...more });
const array = (items: unknown) => ({ type: 'array', items });
const map = (values: unknown) => ({ type: 'map', values });
const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more });
const list = (value: unknown, more: readonly unknown[] = []) =>
  record('List', [field('value', value), field('next', ['null', 'List']), ...more]);

const ID = field('id', 'int');
const NAME = field('name', 'string');

const FIELDS: Record<string, readonly [unknown, unknown]> = {
  'the same schema': [user(ID, NAME), user(ID, NAME)],
  'a field with a default is added': [user(ID), user(ID, field('email', 'string', { default: '' }))],
  'a field without a default is added': [user(ID), user(ID, field('email', 'string'))],
  'a nullable field with a default is added': [
    user(ID),
    user(ID, field('email', ['null', 'string'], { default: null })),
  ],
  'a nullable field without a default is added': [user(ID), user(ID, field('email', ['null', 'string']))],
  'two fields without a default are added': [user(ID), user(ID, field('a', 'int'), field('b', 'int'))],
  'a field without a default is removed': [user(ID, NAME), user(ID)],
  'a field with a default is removed': [user(ID, field('name', 'string', { default: '' })), user(ID)],
  'one field goes, another comes': [user(ID, NAME), user(ID, field('title', 'string'))],
  'one field goes, another comes, both with defaults': [
    user(ID, field('name', 'string', { default: 'a' })),
    user(ID, field('title', 'string', { default: 'b' })),
  ],
  'the fields change places': [user(ID, NAME), user(NAME, ID)],
  'a field gets a default': [user(ID), user(field('id', 'int', { default: 0 }))],
  'a default changes': [user(field('id', 'int', { default: 0 })), user(field('id', 'int', { default: 1 }))],
  'a field is renamed': [user(ID), user(field('key', 'int'))],
  'a field is renamed and keeps its old name as an alias': [user(ID), user(field('key', 'int', { aliases: ['id'] }))],
  'an alias names nothing that was there': [user(ID), user(field('key', 'int', { aliases: ['number'] }))],
  'a name and an alias both fit': [user(ID, field('key', 'int')), user(field('key', 'int', { aliases: ['id'] }))],
  'the first of two aliases fits': [user(ID), user(field('key', 'int', { aliases: ['id', 'number'] }))],
  'two aliases fit': [user(ID, field('number', 'int')), user(field('key', 'int', { aliases: ['id', 'number'] }))],
  'a renamed field with an alias and another type': [user(ID), user(field('key', 'string', { aliases: ['id'] }))],
  'a field of all empty records': [user(), user()],
  'a field joins an empty record': [user(), user(ID)],
  'a field becomes wider': [user(ID), user(field('id', 'long'))],
  'a field becomes a text': [user(ID), user(field('id', 'string'))],
  'a field becomes optional': [user(NAME), user(field('name', ['null', 'string'], { default: null }))],
  'a field becomes optional without a default': [user(NAME), user(field('name', ['string', 'null']))],
  'a field is optional no more': [user(field('name', ['null', 'string'])), user(NAME)],
  'a name and a type differ at once': [user(ID, NAME), user(field('id', 'string'), field('title', 'string'))],
  'the documentation changes': [user({ ...ID, doc: 'old' }), user({ ...ID, doc: 'new' })],
  'the order for sorting changes': [user(ID), user({ ...ID, order: 'descending' })],
  'other properties change': [user({ ...ID, unit: 'm' }), user({ ...ID, unit: 'km', since: 3 })],
};

const NAMES: Record<string, readonly [unknown, unknown]> = {
  'the record is renamed': [user(ID), record('Person', [ID])],
  'the record is renamed with an alias': [user(ID), record('Person', [ID], { aliases: ['User'] })],
  'an alias within the same namespace': [
    record('User', [ID], { namespace: 'a' }),
    record('Person', [ID], { namespace: 'a', aliases: ['User'] }),
  ],
  'an alias of another namespace, in full': [
    record('User', [ID], { namespace: 'a' }),
    record('Person', [ID], { namespace: 'b', aliases: ['a.User'] }),
  ],
  'an alias without the namespace that it needs': [
    record('User', [ID], { namespace: 'a' }),
    record('Person', [ID], { namespace: 'b', aliases: ['User'] }),
  ],
  'an alias that the old one had no namespace for': [
    user(ID),
    record('Person', [ID], { namespace: 'b', aliases: ['User'] }),
  ],
  'only the namespace changes': [record('User', [ID], { namespace: 'a' }), record('User', [ID], { namespace: 'b' })],
  'a namespace is added': [user(ID), record('User', [ID], { namespace: 'a' })],
  'a namespace written into the name': [record('User', [ID], { namespace: 'a' }), record('a.User', [ID])],
  'the record within is renamed': [
    user(field('home', record('Address', [ID]))),
    user(field('home', record('Place', [ID]))),
  ],
  'the record within is renamed with an alias': [
    user(field('home', record('Address', [ID]))),
    user(field('home', record('Place', [ID], { aliases: ['Address'] }))),
  ],
  'the record within changes its namespace': [
    user(field('home', record('a.Address', [ID]))),
    user(field('home', record('b.Address', [ID]))),
  ],
  'an enum is renamed': [colour(['RED']), colour(['RED'], { name: 'Color' })],
  'an enum is renamed with an alias': [colour(['RED']), colour(['RED'], { name: 'Color', aliases: ['Colour'] })],
  'a fixed is renamed': [fixed(4), fixed(4, { name: 'Digest' })],
  'a fixed is renamed with an alias': [fixed(4), fixed(4, { name: 'Digest', aliases: ['Hash'] })],
  'a fixed is renamed and resized': [fixed(4), fixed(8, { name: 'Digest' })],
  'a record becomes an error': [user(ID), { ...user(ID), type: 'error' }],
};

const CONTAINERS: Record<string, readonly [unknown, unknown]> = {
  'an enum gets a symbol': [colour(['RED']), colour(['RED', 'BLUE'])],
  'an enum loses a symbol': [colour(['RED', 'BLUE']), colour(['RED'])],
  'an enum loses two symbols': [colour(['WHITE', 'RED', 'BLUE']), colour(['RED'])],
  'an enum loses a symbol and has a default': [colour(['RED', 'BLUE']), colour(['RED'], { default: 'RED' })],
  'an enum gets a symbol, the old one has a default': [colour(['RED'], { default: 'RED' }), colour(['RED', 'BLUE'])],
  'the symbols change places': [colour(['RED', 'BLUE']), colour(['BLUE', 'RED'])],
  'an enum changes all of its symbols': [colour(['RED']), colour(['BLUE'])],
  'an enum becomes a text': [colour(['RED']), 'string'],
  'a field of an enum loses a symbol': [user(field('c', colour(['A', 'B']))), user(field('c', colour(['A'])))],
  'a field of an enum with a default of the field': [
    user(field('c', colour(['A', 'B']))),
    user(field('c', colour(['A']), { default: 'A' })),
  ],
  'a field of an enum with a default of the enum is added': [
    user(ID),
    user(ID, field('c', colour(['A'], { default: 'A' }))),
  ],
  'a field of an enum with both defaults is added': [
    user(ID),
    user(ID, field('c', colour(['A'], { default: 'A' }), { default: 'A' })),
  ],
  'a fixed of the same size': [fixed(4), fixed(4)],
  'a fixed of another size': [fixed(4), fixed(8)],
  'a fixed becomes bytes': [fixed(4), 'bytes'],
  'a field of a fixed of another size': [user(field('h', fixed(4))), user(field('h', fixed(8)))],
  'an array of something wider': [array('int'), array('long')],
  'an array of something else': [array('int'), array('string')],
  'an array of nullables': [array('int'), array(['null', 'int'])],
  'an array becomes a map': [array('int'), map('int')],
  'an array becomes its element': [array('int'), 'int'],
  'a map of something wider': [map('float'), map('double')],
  'a map of something else': [map('int'), map('boolean')],
  'a map of arrays of something else': [map(array('int')), map(array('string'))],
  'an array of records that gain a field': [array(user(ID)), array(user(ID, NAME))],
  'an array of records that gain a field with a default': [
    array(user(ID)),
    array(user(ID, field('name', 'string', { default: '' }))),
  ],
  'a map of enums that lose a symbol': [map(colour(['A', 'B'])), map(colour(['B']))],
  'a record becomes a map': [user(ID), map('int')],
  'differences at several depths': [
    user(field('a', array(user2('X', 'int'))), field('b', map(colour(['A', 'B']))), field('c', fixed(2))),
    user(field('a', array(user2('X', 'string'))), field('b', map(colour(['B']))), field('c', fixed(3))),
  ],
};

function user2(name: string, type: unknown) {
  return record(name, [field('id', type)]);
}

const UNIONS: Record<string, readonly [unknown, unknown]> = {
  'a type becomes a union with it': ['int', ['null', 'int']],
  'a type becomes a union without it': ['int', ['null', 'string']],
  'a type becomes a union with a wider one': ['int', ['null', 'long']],
  'a union becomes one of its types': [['null', 'int'], 'int'],
  'a union of one type becomes that type': [['int'], 'int'],
  'a union becomes a type that reads all of it': [['int', 'float'], 'double'],
  'a union becomes a type that reads half of it': [['int', 'string'], 'long'],
  'a union gets a branch': [
    ['null', 'int'],
    ['null', 'int', 'string'],
  ],
  'a union loses a branch': [
    ['null', 'int', 'string'],
    ['null', 'int'],
  ],
  'a union loses two branches': [['null', 'int', 'string', 'boolean'], ['null']],
  'the branches change places': [
    ['null', 'int'],
    ['int', 'null'],
  ],
  'a branch becomes wider': [
    ['null', 'int'],
    ['null', 'long'],
  ],
  'a branch becomes narrower': [
    ['null', 'long'],
    ['null', 'int'],
  ],
  'bytes for text in a union': [
    ['null', 'string'],
    ['null', 'bytes'],
  ],
  'an empty union': [[], ['int']],
  'a union of records of which one gains a field': [
    [user2('A', 'int'), user2('B', 'int')],
    [record('A', [ID, NAME]), user2('B', 'int')],
  ],
  'a union of records with other names': [
    [user2('A', 'int'), user2('B', 'int')],
    [user2('A', 'int'), user2('C', 'int')],
  ],
  'a record in a union that differs by its namespace alone': [
    ['null', record('a.A', [ID])],
    ['null', record('b.A', [ID])],
  ],
  'two records of one short name in a union': [
    [record('a.A', [ID]), record('b.A', [NAME])],
    [record('b.A', [NAME]), record('a.A', [ID])],
  ],
  'an enum in a union loses a symbol': [
    ['null', colour(['A', 'B'])],
    ['null', colour(['A'])],
  ],
  'a nullable array of something else': [
    ['null', array('int')],
    ['null', array('string')],
  ],
  'a field whose union loses a branch': [
    user(field('v', ['null', 'int', 'string'])),
    user(field('v', ['null', 'string'])),
  ],
  'a field whose union becomes a map of unions': [
    user(field('v', ['null', 'int'])),
    user(field('v', map(['null', 'int']))),
  ],
};

const RECURSION: Record<string, readonly [unknown, unknown]> = {
  'a recursive schema as it was': [list('int'), list('int')],
  'a recursive schema of something wider': [list('int'), list('long')],
  'a recursive schema of something else': [list('int'), list('string')],
  'a recursive schema gains a field': [list('int'), list('int', [field('mark', 'int')])],
  'a recursive schema gains a field with a default': [list('int'), list('int', [field('mark', 'int', { default: 0 })])],
  'a recursive schema ends': [list('int'), record('List', [field('value', 'int')])],
  'a tree with arrays of itself': [
    record('Tree', [field('children', array('Tree'))]),
    record('Tree', [field('children', array('Tree')), field('weight', 'double')]),
  ],
  'one type used twice': [
    user(field('a', record('Name', [field('text', 'int')])), field('b', 'Name')),
    user(field('a', record('Name', [field('text', 'string')])), field('b', 'Name')),
  ],
  'one type used in a union and outside': [
    user(field('a', ['null', record('Name', [field('text', 'int')])]), field('b', 'Name')),
    user(field('a', ['null', record('Name', [field('text', 'string')])]), field('b', 'Name')),
  ],
};

const LOGICAL: Record<string, readonly [unknown, unknown]> = {
  'a decimal of another precision': [
    logical('bytes', 'decimal', { precision: 4, scale: 2 }),
    logical('bytes', 'decimal', { precision: 8, scale: 2 }),
  ],
  'a decimal of another scale': [
    logical('bytes', 'decimal', { precision: 4, scale: 2 }),
    logical('bytes', 'decimal', { precision: 4, scale: 1 }),
  ],
  'a decimal of fixed size becomes one of bytes': [
    { ...fixed(4), logicalType: 'decimal', precision: 4 },
    logical('bytes', 'decimal', { precision: 4 }),
  ],
  'a number becomes a date': ['int', logical('int', 'date')],
  'a date becomes a point in time': [logical('int', 'date'), logical('long', 'timestamp-millis')],
  'milliseconds become microseconds': [logical('long', 'timestamp-millis'), logical('long', 'timestamp-micros')],
  'a text becomes a UUID': ['string', logical('string', 'uuid')],
  'a UUID becomes a fixed': [logical('string', 'uuid'), { ...fixed(16), logicalType: 'uuid' }],
  'a logical type that nobody knows': [logical('int', 'parsecs'), 'long'],
};

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
const promotions = PRIMITIVES.flatMap((older) =>
  PRIMITIVES.map((newer): SchemaPair => ({ name: `${older} becomes ${newer}`, older, newer })),
);

export const SCHEMA_PAIRS: readonly SchemaPair[] = [
  ...[FIELDS, NAMES, CONTAINERS, UNIONS, RECURSION, LOGICAL].flatMap((group) =>
    Object.entries(group).map(([name, [older, newer]]) => ({ name, older, newer })),
  ),
  ...promotions,
];
