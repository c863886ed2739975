/** What Avro Java says of schemas is what our tables say, against which the registry is tested. */
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { avroJavaTexts, avroJavaVerdicts } from '../support/avro-judge.ts';

const TABLES = path.resolve(import.meta.dirname, '../unit/registry');

function table(name: string): string[] {
  return readFileSync(path.join(TABLES, name), 'utf8').trimEnd().split('\n');
}

it('which schemas go together', async () => {
  expect(await avroJavaVerdicts()).toEqual(table('compatibility-verdicts.tsv'));
});

it('what is a schema, and how it is written', async () => {
  expect(await avroJavaTexts()).toEqual(table('avro-texts.tsv'));
});
