/**
 * Plays documentations: lines of curl after a `$`, then the status, the content type and the body that they get, up to
 * an empty line; lines with # tell the story. With REWRITE=1 what is answered now is written back, to be reviewed as a
 * diff.
 *
 * Brokers are localhost:8081, 8082 and 8083, the cluster is <cluster>, its controller <controller>, and a time <time>,
 * whatever they are.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type CurlAnswer, curl } from './curl.ts';

export interface CurlStage {
  /** http://host:port of each broker. */
  readonly addresses: readonly string[];
  readonly clusterId: string;
}

const FIRST_PORT = 8081;
/** Each waits for a second by itself. */
const MAX_EMPTY_READS = 15;
const COMMAND = /^\$ ((?:.*\\\n)*.*)\n((?:[^\n#$][^\n]*\n)*)/gm;

/**
 * One test for each script of the folder, named after the story in its first line; `onStage` opens a stage for a play
 * and closes it afterwards.
 */
export function itPlaysCurlScripts(
  folder: string,
  onStage: (play: (stage: CurlStage) => Promise<void>) => Promise<void>,
): void {
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
  for (const file of files.sort()) {
    const path = `${folder}/${file}`;
    const script = readFileSync(path, 'utf8');
    const story = script.split('\n', 1)[0]?.replace(/^# /, '') ?? file;
    it(`${file}: ${story}`, () =>
      onStage(async (stage) => {
        const played = await playScript(script, stage);
        if (process.env['REWRITE'] === '1') writeFileSync(path, played);
        else expect(played).toBe(script);
      }));
  }
}

async function playScript(script: string, stage: CurlStage): Promise<string> {
  let played = '';
  let end = 0;
  for (const match of script.matchAll(COMMAND)) {
    const [whole, command = ''] = match;
    const { status, contentType, body } = await answerOf(staged(command, stage));
    const answer = [`${status} ${contentType}`.trimEnd(), ...(body === '' ? [] : [told(body.trimEnd(), stage)])];
    played += `${script.slice(end, match.index)}$ ${command}\n${answer.join('\n')}\n`;
    end = match.index + whole.length;
  }
  return played + script.slice(end);
}

/** A consumer that is still joining its group reads nothing: documentations say to ask again. */
async function answerOf(command: string): Promise<CurlAnswer> {
  const isConsumer = /\/instances\/[^/]+\/records/.test(command);
  for (let left = MAX_EMPTY_READS; ; left--) {
    const answer = await curl(command);
    if (!isConsumer || answer.body !== '[]' || left === 0) return answer;
  }
}

function staged(command: string, { addresses, clusterId }: CurlStage): string {
  let line = command.replaceAll('<cluster>', clusterId);
  for (const [index, address] of addresses.entries())
    line = line.replace(new RegExp(`(http://)?localhost:${FIRST_PORT + index}\\b`), address);
  return line;
}

function told(body: string, { addresses, clusterId }: CurlStage): string {
  let text = body.replaceAll(clusterId, '<cluster>').replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"<time>"');
  text = text.replace(/("controller":\{"related":"[^"]*\/brokers\/)\d+/, '$1<controller>');
  for (const [index, address] of addresses.entries())
    text = text.replaceAll(address, `http://localhost:${FIRST_PORT + index}`);
  return text;
}
