/**
 * Texts of Avro schemas as people write them, good and bad; Avro Java has said what it makes of each
 * (test/unit/registry/avro-texts.tsv) and says so again in test/interop/avro.test.ts.
 */

export interface SchemaText {
  readonly name: string;
  readonly text: string;
  /** What is defined before it, in this order. */
  readonly references?: readonly string[];
}

const record = (fields: string, more = '') => `{"type":"record","name":"R"${more},"fields":[${fields}]}`;
const withField = (field: string) => record(`{"name":"f",${field}}`);
const enumOf = (symbols: string, more = '') => `{"type":"enum","name":"E","symbols":[${symbols}]${more}}`;

const TEXTS: Record<string, string> = {
  'a primitive': '"string"',
  'a primitive as an object': ' { "type" : "string" } ',
  'a primitive with properties': '{"type":"string","avro.java.string":"String","unit":null}',
  'a primitive with documentation': '{"type":"string","doc":"is not kept"}',
  'members in another order': '{"fields":[{"type":"int","name":"a"}],"name":"R","type":"record"}',
  'all of a record': record(
    '{"default":1,"order":"descending","doc":"d","aliases":["b","c"],"type":"int","name":"a",' +
      '"unit":{"b":[1,2.5],"a":true}}',
    ',"namespace":"n.m","doc":"words","aliases":["S","x.T"],"owner":"me"',
  ),
  'all of an enum': enumOf('"A","B"', ',"default":"B","doc":"d","aliases":["F"],"x":1,"namespace":"n"'),
  'all of a fixed': '{"type":"fixed","size":16,"name":"a.F","doc":"d","aliases":["a.G","H"],"logicalType":"uuid"}',
  'an error': '{"type":"error","name":"Oops","fields":[]}',
  'arrays and maps': '{"type":"array","items":{"type":"map","values":["null","long"],"x":1},"y":[]}',
  'a default in an array': '{"type":"array","items":"int","default":[]}',
  'a union': '["null",{"type":"string"},{"type":"array","items":"int"}]',
  'a name used again': record('{"name":"a","type":{"type":"fixed","name":"F","size":2}},{"name":"b","type":"F"}'),
  'a recursive record': record('{"name":"next","type":["null","R"]}'),
  'a recursive record in a namespace': record('{"name":"next","type":["null","n.R"]}', ',"namespace":"n"'),
  'a namespace within another': record(
    '{"name":"a","type":{"type":"enum","name":"m.E","symbols":["A"]}},{"name":"b","type":"m.E"}',
    ',"namespace":"n"',
  ),
  'no namespace within one': record(
    '{"name":"a","type":{"type":"enum","name":"E","namespace":"","symbols":["A"]}},{"name":"b","type":"E"}',
    ',"namespace":"n"',
  ),
  'the namespace around it is taken': record(
    '{"name":"a","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"b","type":"n.E"}',
    ',"namespace":"n"',
  ),
  'a namespace in both places': '{"type":"fixed","name":"a.F","namespace":"b","size":1}',
  'a type named as a type of Avro': record(
    '{"name":"a","type":{"type":"fixed","name":"map","size":1}},{"name":"b","type":"n.map"}',
    ',"namespace":"n"',
  ),
  'a decimal': '{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}',
  'a decimal that makes no sense': '{"type":"bytes","logicalType":"decimal","precision":2,"scale":4}',
  'a logical type in the wrong place':
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int","logicalType":"date"}]}',
  'numbers as defaults': record(
    [
      ['int', '0'],
      ['long', '9223372036854775807'],
      ['long', '-9223372036854775808'],
      ['double', '1.0'],
      ['double', '1'],
      ['double', '1e3'],
      ['double', '12345678.9'],
      ['double', '1.5E-7'],
      ['float', '0.001'],
      ['double', '"12.5"'],
      ['double', '-0.0'],
    ]
      .map(([type, value], i) => `{"name":"f${i}","type":"${type}","default":${value}}`)
      .join(','),
  ),
  'numbers as properties': '{"type":"int","a":1.50,"b":100000000000000000000,"c":-0,"d":1E400}',
  'texts that need escapes': withField('"type":"string","default":"\\"\\\\\\/\\b\\n\\u001f\\u00e4é","doc":"\\u0007"'),
  'a default of bytes': withField('"type":"bytes","default":"\\u00ff"'),
  'a default of a record': withField(
    '"type":{"type":"record","name":"S","fields":[{"name":"a","type":"int","default":1},{"name":"b",' +
      '"type":"string"}]},"default":{"b":"x"}',
  ),
  'a default of a map': withField('"type":{"type":"map","values":"int"},"default":{"b":1,"a":2,"1":3,"__proto__":4}'),
  'a default of the second branch': withField('"type":["null","int"],"default":1'),
  'null as a default': withField('"type":["null","int"],"default":null'),
  comments: '/* a */ {"type": // b\n "string"}',
  'the same member twice': '{"type":"int","type":"long","x":1,"y":2,"x":3}',
  'the order in capitals': withField('"type":"int","order":"IGNORE"'),
  'members of odd names': '{"type":"int","__proto__":1,"2":2,"1":1,"":0}',
  'an empty union': '[]',
  // From here on nothing is a schema.
  'an empty text': '',
  'no JSON': '{"type"',
  'something behind it': '"int" x',
  'an unknown type': '"integer"',
  'a number': '5',
  null: 'null',
  'no type': '{"name":"R"}',
  'a type within a type': '{"type":{"type":"string"}}',
  'a record without fields': '{"type":"record","name":"R"}',
  'a record without a name': '{"type":"record","fields":[]}',
  'a record named as a primitive': '{"type":"record","name":"int","fields":[]}',
  'a field without a name': withField('"type":"int"').replace('"name":"f",', ''),
  'a field without a type': withField('"doc":"x"'),
  'a field that is no object': record('"f"'),
  'a field twice': record('{"name":"a","type":"int"},{"name":"a","type":"int"}'),
  'a field with a hyphen': record('{"name":"a-b","type":"int"}'),
  'a field that begins with a digit': record('{"name":"1a","type":"int"}'),
  'a field without letters': record('{"name":"","type":"int"}'),
  'a name with a hyphen': '{"type":"fixed","name":"a-b","size":1}',
  'an order that is none': withField('"type":"int","order":"upwards"'),
  'aliases that are no array': withField('"type":"int","aliases":"g"'),
  'an alias that is no text': withField('"type":"int","aliases":[1]'),
  'an unknown name': withField('"type":"Other"'),
  'a name of another namespace': record('{"name":"next","type":["null","m.R"]}', ',"namespace":"n"'),
  'a type defined twice': record(
    '{"name":"a","type":{"type":"fixed","name":"F","size":2}},{"name":"b","type":{"type":"fixed","name":"F","size":3}}',
  ),
  'an array without items': '{"type":"array"}',
  'a map without values': '{"type":"map"}',
  'a fixed without a size': '{"type":"fixed","name":"F"}',
  'a fixed of a text as its size': '{"type":"fixed","name":"F","size":"1"}',
  'a fixed of a broken size': '{"type":"fixed","name":"F","size":1.5}',
  'a fixed of a huge size': '{"type":"fixed","name":"F","size":4294967296}',
  'a fixed below nothing': '{"type":"fixed","name":"F","size":-1}',
  'an enum without symbols': '{"type":"enum","name":"E"}',
  'an enum with a symbol twice': enumOf('"A","A"'),
  'an enum with a symbol that is no name': enumOf('"a b"'),
  'an enum with a number': enumOf('1'),
  'an enum with a default that it lacks': enumOf('"A"', ',"default":"B"'),
  'a union within a union': '["null",["int"]]',
  'a union with a type twice': '["int","int"]',
  'a union with two arrays': '[{"type":"array","items":"int"},{"type":"array","items":"long"}]',
  'a text as the default of a number': withField('"type":"int","default":"x"'),
  'a long as the default of an int': withField('"type":"int","default":2147483648'),
  'a fraction as the default of an int': withField('"type":"int","default":1.0'),
  'a word as the default of a double': withField('"type":"double","default":"many"'),
  'null as the default of a text': withField('"type":"string","default":null'),
  'a default that no branch has': withField('"type":["null","int"],"default":"x"'),
  'a number as the default of an enum': withField(`"type":${enumOf('"A"')},"default":1`),
  'a default of a record that lacks a field': withField(
    '"type":{"type":"record","name":"S","fields":[{"name":"a","type":"int"}]},"default":{}',
  ),
  'a default of an array that holds something else': withField('"type":{"type":"array","items":"int"},"default":["a"]'),
  'a default of a map that is an array': withField('"type":{"type":"map","values":"int"},"default":[]'),
};

const ADDRESS = '{"type":"record","name":"Address","namespace":"n","fields":[{"name":"street","type":"string"}]}';
const REFERRING: readonly SchemaText[] = [
  { name: 'a reference', text: withField('"type":"n.Address"'), references: [ADDRESS] },
  {
    name: 'a reference within the namespace',
    text: record('{"name":"a","type":"Address"}', ',"namespace":"n"'),
    references: [ADDRESS],
  },
  { name: 'a reference that is not there', text: withField('"type":"n.Street"'), references: [ADDRESS] },
  { name: 'what is referred to is defined again', text: ADDRESS.replace('street', 'road'), references: [ADDRESS] },
];

export const SCHEMA_TEXTS: readonly SchemaText[] = [
  ...Object.entries(TEXTS).map(([name, text]) => ({ name, text })),
  ...REFERRING,
];
