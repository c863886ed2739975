/** Avro Java as a judge of schemas; see test/interop/AvroJudge.java. */
import * as path from 'node:path';
import { runOk } from './child-process.ts';
import { avroLibDirectory } from './kafka-jars.ts';
import { SCHEMA_PAIRS } from './schema-pairs.ts';
import { SCHEMA_TEXTS } from './schema-texts.ts';

const JUDGE = path.resolve(import.meta.dirname, '../interop/AvroJudge.java');

/** The answer to each question, in the same order. */
export async function askAvroJava(questions: readonly (readonly string[])[]): Promise<string[]> {
  const lib = await avroLibDirectory();
  const input = questions.map((fields) => `${fields.join('\t')}\n`).join('');
  const { stdout } = await runOk('java', ['-cp', `${lib}/*`, JUDGE], { input, timeoutMs: 120_000 });
  return stdout.split('\n').slice(0, -1);
}

/** The verdicts of all pairs as the lines of compatibility-verdicts.tsv: name, BACKWARD, FORWARD; "-" is compatible. */
export async function avroJavaVerdicts(): Promise<string[]> {
  const answers = await askAvroJava(
    SCHEMA_PAIRS.flatMap(({ older, newer }) => [
      ['compare', JSON.stringify(newer), JSON.stringify(older)],
      ['compare', JSON.stringify(older), JSON.stringify(newer)],
    ]),
  );
  return SCHEMA_PAIRS.map(({ name }, i) => [name, answers[2 * i] || '-', answers[2 * i + 1] || '-'].join('\t'));
}

/** What Avro Java makes of each text as the lines of avro-texts.tsv: name, Schema.toString() or "refused". */
export async function avroJavaTexts(): Promise<string[]> {
  const answers = await askAvroJava(
    SCHEMA_TEXTS.map(({ text, references = [] }) => [
      'text',
      ...[text, ...references].map((sent) => JSON.stringify(sent)),
    ]),
  );
  return SCHEMA_TEXTS.map(({ name }, i) => `${name}\t${answers[i]?.startsWith('refused') ? 'refused' : answers[i]}`);
}
