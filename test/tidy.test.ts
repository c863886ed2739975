/** The law of the house, applied to the tree; and the law's own tests, each a small piece of bad code. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { findings, MAY_IMPORT, type Ratchet } from './support/house-law.ts';

/** Only to be made shorter. */
const RATCHET: Ratchet = new Map();

const TEXTS = ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.{ts,md}', '*.ts', 'bin/*', 'docs/**/*.md', '.ci/*', '*.md'];

async function readTree(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const entry of glob(TEXTS, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = `${entry.parentPath}/${entry.name}`.replace(`${process.cwd()}/`, '').replace(/^\.\//, '');
    files.set(file, readFileSync(file, 'utf8'));
  }
  return files;
}

describe('the house', () => {
  it('keeps its law', async () => {
    const files = await readTree();
    expect(files.size).toBeGreaterThan(10);
    expect(findings(files, RATCHET)).toEqual([]);
  });

  it('holds nothing at its top level but what belongs there', () => {
    const belongs = new Set(
      'bench bin config docs src test zookeeper .ci CHANGELOG.md CONTRIBUTING.md Dockerfile LICENSE NOTICE README.md'
        .concat(' biome.json docker-compose.yml package-lock.json package.json tsconfig.json vitest.config.ts')
        .concat(' .dockerignore .editorconfig .gitattributes .github .gitignore .githooks .node-version .npmrc .nvmrc')
        .split(' '),
    );
    const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n');
    const strange = new Set(tracked.map((file) => file.split('/')[0] ?? '').filter((top) => !belongs.has(top)));
    expect([...strange]).toEqual([]);
  });
});

describe('the law', () => {
  /** Findings about one file, without the file's name. */
  function judge(file: string, text: string): string[] {
    return findings(new Map([[file, `/** Head. */\n${text}`]])).map((finding) => finding.slice(file.length));
  }

  it('has no cycles between rooms', () => {
    const reach = (room: string, seen: Set<string>): Set<string> => {
      for (const next of MAY_IMPORT.get(room) ?? []) if (!seen.has(next)) reach(next, seen.add(next));
      return seen;
    };
    for (const room of MAY_IMPORT.keys()) expect(reach(room, new Set()), room).not.toContain(room);
  });

  it('refuses an import that goes up or sideways, in each of its forms', () => {
    const up = ':2: log/ may not import replica/; declare a port';
    expect(judge('src/log/a.ts', "import { p } from '../replica/partition.ts'; p();")).toEqual([up]);
    expect(judge('src/log/a.ts', "import type { P } from '../replica/partition.ts'; let p: P;")).toEqual([up]);
    expect(judge('src/log/a.ts', "const p = await import('../replica/partition.ts');")).toEqual([up]);
    expect(judge('src/log/a.ts', "import { p } from '../lib/clock.ts'; p();")).toEqual([]);
    expect(judge('src/log/a.ts', "// from '../replica/partition.ts'\nconst s = \"from '../replica/x.ts'\";")).toEqual(
      [],
    );
    expect(judge('src/net/a.ts', "import '../compose.ts';")).toEqual([':2: no room may import src/compose.ts']);
    expect(judge('src/net/a.ts', "import '../../test/support/x.ts';")).toEqual([
      ':2: src/ may not import test/support/x.ts',
    ]);
    expect(judge('src/compose.ts', "import './zk/zookeeper.ts'; import './broker/broker.ts';")).toEqual([]);
    expect(judge('src/attic/a.ts', 'export const a = 1;')).toEqual([': attic/ is not a room of the house']);
  });

  it.each([
    ['Date.now()', 'Date.now: take a Clock'],
    ['new Date()', 'new Date: take a Clock'],
    ['globalThis.performance.now()', 'performance.now: take a Clock'],
    ['setTimeout(() => undefined, 1)', 'setTimeout: take a Clock'],
    ['Math.random()', 'Math.random: take a Random'],
    ["new Function('return 1')", 'new Function: no code is made outside the codec'],
    ['process.exit(1)', 'process.exit: throw, and let main.ts end the process'],
    ["await import('node:fs/promises')", 'node:fs/promises: take a Disk'],
    ["await import('node:net')", 'node:net: sockets live in net/'],
    ["await import('node-zookeeper-client')", 'node-zookeeper-client: ZooKeeper lives in zk/'],
    ["await import('kafkajs')", 'kafkajs: development packages stay in test/ and bench/'],
  ])('keeps the door for %s', (code, finding) => {
    expect(judge('src/log/a.ts', `${code};`)).toEqual([`:2: ${finding}`]);
  });

  it('knows a word in a comment or a string from a call', () => {
    expect(judge('src/log/a.ts', "// Date.now()\nexport const s = 'setTimeout() Math.random()';")).toEqual([]);
    expect(judge('src/log/a.ts', 'export const day = new Date(0);')).toEqual([]);
    expect(judge('src/lib/clock.ts', 'export const now = Date.now();')).toEqual([]);
  });

  it('wants a @pure file synchronous and without the machine', () => {
    const pure = (text: string) => findings(new Map([['src/log/a.ts', `/** @pure A. */\n${text}`]]));
    const late = 'src/log/a.ts:2: a @pure file is synchronous';
    expect(pure('export async function f() {}')).toEqual([late]);
    expect(pure('export const f = () => new Promise<void>((resolve) => resolve());')).toEqual([late]);
    expect(pure("import 'node:os';")).toEqual(['src/log/a.ts:2: a @pure file may not import node:os']);
    expect(pure("import { gzipSync } from 'node:zlib'; gzipSync('');")).toEqual([]);
  });

  it('counts lines of files, of functions and characters of lines', () => {
    const lines = (count: number) => Array.from({ length: count }, (_, index) => `  a(${index});`).join('\n');
    expect(judge('src/log/a.ts', lines(599))).toEqual([]);
    expect(judge('src/log/a.ts', lines(600))[0]).toContain('601 lines, at most 600');
    expect(judge('src/log/a.ts', `function f() {\n${lines(68)}\n}`)).toEqual([]);
    expect(judge('src/log/a.ts', `function f() {\n${lines(69)}\n}`)).toEqual([
      ' f: a function of 71 lines, at most 70',
    ]);
    expect(judge('src/log/a.ts', `class A {\n  m() {\n${lines(70)}\n}\n}`)).toEqual([
      ' m: a function of 72 lines, at most 70',
    ]);
    expect(judge('src/log/a.ts', `// ${'x'.repeat(118)}`)).toEqual([':2: 121 characters wide, at most 120']);
  });

  it('lets the ratchet only be tightened', () => {
    const text = `/** Head. */\nfunction f() {\n${'  a();\n'.repeat(80)}}\n`;
    const judgeWith = (rows: number) =>
      findings(new Map([['src/log/a.ts', text]]), new Map([['src/log/a.ts f', rows]]));
    expect(judgeWith(82)).toEqual([]);
    expect(judgeWith(81)).toEqual(['src/log/a.ts f: a function of 82 lines, at most 81']);
    expect(judgeWith(90)).toEqual(['src/log/a.ts f: the ratchet allows 90 lines, it has 82; tighten the row']);
  });

  it('refuses what hides errors', () => {
    const swallowed = ':2: an error is swallowed; handle it or log it';
    expect(judge('test/a.ts', 'try { a(); } catch {}')).toEqual([swallowed]);
    expect(judge('test/a.ts', 'try { a(); } catch { /* fine */ }')).toEqual([swallowed]);
    expect(judge('test/a.ts', 'await a().catch(() => {});')).toEqual([swallowed]);
    expect(judge('test/a.ts', 'await a().catch(() => undefined);')).toEqual([swallowed]);
    expect(judge('test/a.ts', 'await a().catch((error) => log(error));')).toEqual([]);
    expect(judge('test/a.ts', 'let a: any;')).toEqual([':2: any; say what it is, or unknown']);
    expect(judge('test/a.ts', '// @ts-ignore\nlet a = 1;')).toEqual([':2: the type checker is not to be silenced']);
  });

  it('refuses files that say nothing about themselves', () => {
    expect(judge('src/log/log-utils.ts', 'let a = 1;')).toEqual([': name the file after the one noun that is in it']);
    expect(judge('src/log/types.ts', 'let a = 1;')).toEqual([': name the file after the one noun that is in it']);
    expect(judge('src/log/LogFile.ts', 'let a = 1;')).toEqual([': file names are kebab-case']);
    expect(findings(new Map([['src/log/a.ts', 'export const a = 1;']]))).toEqual([
      'src/log/a.ts: open with a comment that says what it is for and guarantees',
    ]);
    expect(judge('src/log/index.ts', "export * from './segment.ts';")).toEqual([
      ':2: no barrels; import from the file that has it',
    ]);
  });

  it('refuses what was left for later and what belongs to one machine', () => {
    expect(judge('src/log/a.ts', '// TODO later')).toEqual([':2: finish it now or write it down as an issue']);
    expect(judge('docs/a.md', 'see /root/notes')).toEqual([':2: a path of one machine']);
    expect(judge('docs/a.md', 'see https://example.org/work/a')).toEqual([]);
  });

  it('refuses a test that does not run or runs until it passes', () => {
    expect(judge('test/a.test.ts', "it.skip('a', () => undefined);")).toEqual([':2: it.skip: every test runs']);
    expect(judge('test/a.test.ts', "describe.only('a', () => undefined);")).toEqual([
      ':2: describe.only: every test runs',
    ]);
    expect(judge('test/a.test.ts', "it('a', { retry: 3 }, () => undefined);")).toEqual([
      ':2: a test that needs a second try is a finding',
    ]);
  });

  it('wants each handler numbered, listed, documented and with its message', () => {
    const handler = 'export const a = 1;';
    expect(findings(new Map([['src/broker/handlers/00-produce.ts', handler]]))).toEqual([
      'src/broker/handlers/00-produce.ts: has no message of the same name',
      'src/broker/handlers/00-produce.ts: missing in src/broker/handlers/index.ts',
      'src/broker/handlers/00-produce.ts: open with a comment that says what it is for and guarantees',
      'src/broker/handlers/00-produce.ts: open with what it does, version by version',
    ]);
    expect(judge('src/protocol/messages/produce.ts', '')).toEqual([
      ': files of this folder are called NN-name.ts, by API key',
      ': missing in src/protocol/messages/index.ts',
    ]);
  });
});
