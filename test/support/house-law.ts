/**
 * The house law as a function: file names and texts in, sentences about what is broken out. test/tidy.test.ts applies
 * it to the tree and, so that the law itself can be trusted, to small bad snippets.
 *
 * Every finding names the cure. Where a rule has an exception, the exception is a row of a table in this file.
 */
import { posix as path } from 'node:path';
import { type Node, type SourceFile, parseSource } from './source-file.ts';

/** A room may import itself and the rooms listed. Think hard about the layering before changing this table. */
export const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  ['lib', []],
  ['model', ['lib']],
  ['config', ['lib', 'model']],
  ['protocol', ['lib', 'model']],
  ['net', ['lib', 'model', 'protocol']],
  ['client', ['lib', 'model', 'protocol', 'net']],
  ['zk', ['lib', 'model']],
  ['log', ['lib', 'model', 'config', 'protocol']],
  ['metadata', ['lib', 'model', 'protocol']],
  ['replica', ['lib', 'model', 'config', 'protocol', 'net', 'log', 'metadata']],
  ['producer', ['lib', 'model', 'protocol', 'net']],
  ['controller', ['lib', 'model', 'config', 'protocol', 'metadata', 'net', 'zk']],
  ['coordinator', ['lib', 'model', 'config', 'protocol', 'replica']],
  ['group', ['lib', 'model', 'config', 'protocol', 'coordinator']],
  ['broker', ['lib', 'model', 'config', 'protocol', 'log', 'metadata', 'replica', 'producer', 'group', 'controller']],
  ['metrics', ['lib', 'model', 'config']],
  ['registry', ['lib', 'model', 'protocol', 'coordinator']],
  ['rest', ['lib', 'model', 'protocol', 'client', 'registry']],
  ['http', ['lib', 'model', 'config', 'protocol', 'metrics', 'registry', 'rest', 'broker']],
  ['cli', ['lib', 'model', 'config', 'protocol', 'net', 'client', 'log']],
]);

/** The roof: what lies directly in src/ knows every room, and no room knows it. */
function isRoof(file: string): boolean {
  return /^src\/[^/]+$/.test(file);
}

interface Door {
  /** What may only be done behind the door: calls and imported modules. */
  readonly what: RegExp;
  readonly behind: RegExp;
  readonly cure: string;
}

/** Calls as they are written, `Date.now` or `new Function`. Applied to src/ alone: tests and the bench live outside. */
const CALL_DOORS: readonly Door[] = [
  {
    what: /^(Date\.now|performance\.now|new Date|process\.hrtime(\.bigint)?)$/,
    behind: /^src\/lib\/clock\.ts$/,
    cure: 'take a Clock',
  },
  { what: /^set(Timeout|Interval|Immediate)$/, behind: /^src\/lib\/clock\.ts$/, cure: 'take a Clock' },
  {
    what: /^(Math\.random|(crypto\.)?(randomUUID|randomBytes|randomInt|getRandomValues))$/,
    behind: /^src\/lib\/random\.ts$/,
    cure: 'take a Random',
  },
  {
    what: /^((new )?Function|eval)$/,
    behind: /^src\/protocol\/schema\.ts$/,
    cure: 'no code is made outside the codec',
  },
  {
    what: /^process\.exit$/,
    behind: /^src\/(main|compose)\.ts$|^src\/cli\//,
    cure: 'throw, and let main.ts end the process',
  },
];

/** Modules of the machine and of others, and the only places that may import them. */
const MODULE_DOORS: readonly Door[] = [
  {
    what: /^node:fs/,
    behind: /^src\/lib\/disk\.ts$|^src\/cli\/|^src\/config\/load\.ts$/,
    cure: 'take a Disk',
  },
  { what: /^node:(net|tls|dgram)$/, behind: /^src\/(net|cli)\//, cure: 'sockets live in net/' },
  { what: /^node:child_process$/, behind: /^src\/cli\//, cure: 'only the scripts start processes' },
  { what: /^node-zookeeper-client/, behind: /^src\/zk\//, cure: 'ZooKeeper lives in zk/' },
  { what: /^@?fastify/, behind: /^src\/http\//, cure: 'HTTP lives in http/' },
  { what: /^prom-client/, behind: /^src\/metrics\//, cure: 'numbers are plain fields; metrics/ reads them' },
  { what: /^pino/, behind: /^src\/logging\.ts$/, cure: 'take a Logger' },
  { what: /^(kafkajs|fast-check|vitest|vite)/, behind: /^$/, cure: 'development packages stay in test/ and bench/' },
];

/** What a @pure file may import besides other files of the house. */
const PURE_MODULES = /^(node:(assert|assert\/strict|buffer|zlib|crypto)|@node-rs\/crc32|snappy|lz4-napi|re2js)$/;

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /(^|\/|-)(utils?|helpers?|commons?|misc|types?|shared)\.ts$/;

/** The only two files that may pass on what other files export. */
const LISTS = new Set(['src/protocol/messages/index.ts', 'src/broker/handlers/index.ts']);

export const MAX_FILE_LINES = 600;
export const MAX_FUNCTION_LINES = 70;
export const MAX_LINE_LENGTH = 120;

/**
 * Functions that are longer than the limit, with the length each may have: `path name` to lines. It may only shrink:
 * a row that is longer than its function needs is a finding too.
 */
export type Ratchet = ReadonlyMap<string, number>;

/** All findings about the files, sorted by path; empty when the law is kept. */
export function findings(files: ReadonlyMap<string, string>, ratchet: Ratchet = new Map()): string[] {
  const found: string[] = [];
  const longFunctions = new Map<string, number>();
  for (const [file, text] of files) {
    found.push(...textFindings(file, text));
    if (!file.endsWith('.ts')) continue;
    const source = parseSource(file, text);
    if (source.errors.length > 0) {
      found.push(`${file}: cannot be read: ${source.errors[0]}`);
      continue;
    }
    found.push(...sizeFindings(source, longFunctions), ...habitFindings(source));
    if (file.startsWith('src/')) found.push(...roomFindings(source), ...doorFindings(source), ...pureFindings(source));
    if (file.startsWith('test/')) found.push(...testFindings(source));
  }
  found.push(...ratchetFindings(longFunctions, ratchet), ...handlerFindings(files));
  return found.sort();
}

/** Rules for any text file: what the words say and how wide they are. */
function textFindings(file: string, text: string): string[] {
  const found: string[] = [];
  text.split('\n').forEach((line, index) => {
    const where = `${file}:${index + 1}`;
    if (file.endsWith('.ts') && line.length > MAX_LINE_LENGTH && !line.includes('://'))
      found.push(`${where}: ${line.length} characters wide, at most ${MAX_LINE_LENGTH}`);
    if (/\b(TODO|FIXME|XXX|HACK)\b/.test(line) && !isAboutTheLaw(file))
      found.push(`${where}: finish it now or write it down as an issue`);
    if (/(^|[\s'"`(=:])\/(work|root)\//.test(line) && !isAboutTheLaw(file))
      found.push(`${where}: a path of one machine`);
  });
  return found;
}

function isAboutTheLaw(file: string): boolean {
  return file === 'test/support/house-law.ts' || file === 'test/tidy.test.ts';
}

function sizeFindings(source: SourceFile, longFunctions: Map<string, number>): string[] {
  const found: string[] = [];
  const lineCount = source.text.trimEnd().split('\n').length;
  if (lineCount > MAX_FILE_LINES)
    found.push(`${source.file}: ${lineCount} lines, at most ${MAX_FILE_LINES}; which noun wants a file of its own?`);
  if (source.file.endsWith('.test.ts')) return found;
  // What describes a suite of tests is one long function by nature.
  for (const { name, lines } of source.functions())
    if (lines > MAX_FUNCTION_LINES && !/^describe[A-Z]/.test(name)) longFunctions.set(`${source.file} ${name}`, lines);
  return found;
}

function ratchetFindings(longFunctions: ReadonlyMap<string, number>, ratchet: Ratchet): string[] {
  const found: string[] = [];
  for (const [name, lines] of longFunctions) {
    const allowed = ratchet.get(name) ?? MAX_FUNCTION_LINES;
    if (lines > allowed) found.push(`${name}: a function of ${lines} lines, at most ${allowed}`);
  }
  for (const [name, allowed] of ratchet) {
    const lines = longFunctions.get(name) ?? 0;
    if (lines < allowed) found.push(`${name}: the ratchet allows ${allowed} lines, it has ${lines}; tighten the row`);
  }
  return found;
}

/** Habits that are asked of every TypeScript file. */
function habitFindings(source: SourceFile): string[] {
  const found: string[] = [];
  const { file } = source;
  if (EMPTY_NAMES.test(file)) found.push(`${file}: name the file after the one noun that is in it`);
  if (!/^[a-z0-9/.-]+$/.test(file)) found.push(`${file}: file names are kebab-case`);
  if (!source.hasHeadComment()) found.push(`${file}: open with a comment that says what it is for and guarantees`);
  for (const comment of source.comments)
    if (/@ts-(ignore|expect-error|nocheck)/.test(comment.text))
      found.push(`${file}:${source.lineOf(comment.start)}: the type checker is not to be silenced`);
  source.walk((node) => {
    const where = `${file}:${source.lineOf(node.start)}`;
    if (node.type === 'TSAnyKeyword') found.push(`${where}: any; say what it is, or unknown`);
    if (isSwallowed(node)) found.push(`${where}: an error is swallowed; handle it or log it`);
    if (/^Export(All|Named)Declaration$/.test(node.type) && node['source'] && !LISTS.has(file))
      found.push(`${where}: no barrels; import from the file that has it`);
  });
  return found;
}

/** `catch {}` and `.catch(() => {})`, also when they return undefined or hold but a comment. */
function isSwallowed(node: Node): boolean {
  if (node.type === 'CatchClause') return isEmptyBlock(node['body'] as Node);
  if (node.type !== 'CallExpression') return false;
  const callee = node['callee'] as Node;
  if (callee.type !== 'MemberExpression' || (callee['property'] as Node)['name'] !== 'catch') return false;
  const handler = (node['arguments'] as Node[])[0];
  if (handler === undefined || !/^(ArrowFunction|Function)Expression$/.test(handler.type)) return false;
  const body = handler['body'] as Node;
  return isEmptyBlock(body) || (body.type === 'Identifier' && body['name'] === 'undefined');
}

function isEmptyBlock(node: Node): boolean {
  return node.type === 'BlockStatement' && (node['body'] as Node[]).length === 0;
}

/** Who may import whom. */
function roomFindings(source: SourceFile): string[] {
  const { file } = source;
  if (isRoof(file)) return [];
  const found: string[] = [];
  const room = roomOf(file);
  const mayImport = MAY_IMPORT.get(room);
  if (mayImport === undefined) found.push(`${file}: ${room}/ is not a room of the house`);
  for (const { specifier, line } of source.imports()) {
    if (!specifier.startsWith('.')) continue;
    const target = path.join(path.dirname(file), specifier);
    const targetRoom = roomOf(target);
    if (!target.startsWith('src/')) found.push(`${file}:${line}: src/ may not import ${target}`);
    else if (isRoof(target)) found.push(`${file}:${line}: no room may import ${target}`);
    else if (targetRoom !== room && !mayImport?.includes(targetRoom))
      found.push(`${file}:${line}: ${room}/ may not import ${targetRoom}/; declare a port`);
  }
  return found;
}

/** The folder under src/. */
function roomOf(file: string): string {
  const parts = file.split('/');
  return parts.length > 2 ? (parts[1] ?? '') : '';
}

function doorFindings(source: SourceFile): string[] {
  const found: string[] = [];
  const check = (doors: readonly Door[], what: string, line: number): void => {
    for (const door of doors)
      if (door.what.test(what) && !door.behind.test(source.file))
        found.push(`${source.file}:${line}: ${what}: ${door.cure}`);
  };
  for (const { name, line, argumentCount } of source.calls())
    if (name !== 'new Date' || argumentCount === 0) check(CALL_DOORS, name, line);
  if (source.file.endsWith('.d.ts')) return found;
  for (const { specifier, line } of source.imports()) check(MODULE_DOORS, specifier, line);
  return found;
}

/** A @pure file computes: it waits for nothing and reaches for nothing. */
function pureFindings(source: SourceFile): string[] {
  if (!/@pure\b/.test(source.comments[0]?.text ?? '')) return [];
  const found: string[] = [];
  for (const { specifier, line, isTypeOnly } of source.imports())
    if (!specifier.startsWith('.') && !isTypeOnly && !PURE_MODULES.test(specifier))
      found.push(`${source.file}:${line}: a @pure file may not import ${specifier}`);
  source.walk((node) => {
    const isAsync = node['async'] === true || node.type === 'AwaitExpression';
    const isPromise = node.type === 'NewExpression' && (node['callee'] as Node)['name'] === 'Promise';
    if (isAsync || isPromise) found.push(`${source.file}:${source.lineOf(node.start)}: a @pure file is synchronous`);
  });
  return found;
}

/** A test that is skipped, run alone or repeated until it passes says nothing. */
function testFindings(source: SourceFile): string[] {
  const found: string[] = [];
  for (const { name, line } of source.calls())
    if (/^(it|test|describe)(\.\w+)*\.(skip|only|todo|fails|skipIf|runIf)$/.test(name))
      found.push(`${source.file}:${line}: ${name}: every test runs`);
  source.walk((node) => {
    if (node.type === 'Property' && (node['key'] as Node)['name'] === 'retry' && isNumber(node['value'] as Node))
      found.push(`${source.file}:${source.lineOf(node.start)}: a test that needs a second try is a finding`);
  });
  return found;
}

function isNumber(node: Node): boolean {
  return node.type === 'Literal' && typeof node['value'] === 'number';
}

/** One file per API, numbered by its key, in messages/ and in handlers/, each with a doc head and in its list. */
function handlerFindings(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [file, text] of files) {
    const match = /^src\/(protocol\/messages|broker\/handlers)\/(.+)\.ts$/.exec(file);
    if (match === null || match[2] === 'index') continue;
    const [, folder = '', name = ''] = match;
    const list = files.get(`src/${folder}/index.ts`) ?? '';
    const isNumbered = /^\d\d-[a-z-]+$/.test(name);
    if (!isNumbered) found.push(`${file}: files of this folder are called NN-name.ts, by API key`);
    if (!list.includes(`./${name}.ts`)) found.push(`${file}: missing in src/${folder}/index.ts`);
    if (folder !== 'broker/handlers' || !isNumbered) continue;
    if (!files.has(`src/protocol/messages/${name}.ts`)) found.push(`${file}: has no message of the same name`);
    if (!/^\s*\/\*\*/.test(text)) found.push(`${file}: open with what it does, version by version`);
  }
  return found;
}
