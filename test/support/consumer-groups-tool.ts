/**
 * kafka-consumer-groups, Apache Kafka's and ours: runs either and takes its output apart, so that both can be compared
 * cell by cell. What is no promise of either is left out: the order of rows (that of a hash map there), the width of
 * columns, the stamps of log lines, stack traces.
 */
import type { Outcome } from './child-process.ts';
import { kafkaTool, linesOf } from './java-tools.ts';
import { script } from './scripts.ts';

export const MAKERS = ['apache-kafka', 'barnabas'] as const;
export type Maker = (typeof MAKERS)[number];

/** Cells by the name of their column. */
export type Row = Readonly<Record<string, string>>;

export interface Said {
  readonly exitCode: number | null;
  /** Of all tables, in the order of their text. */
  readonly rows: readonly Row[];
  /** Lines that belong to no table, in the order of their text; after a wrong use the reason alone. */
  readonly lines: readonly string[];
  /** What the command itself had to say on the standard error. */
  readonly warnings: readonly string[];
}

const HEADER = /^(GROUP|TOPIC) +[A-Z#]/;
const COLUMN = /COORDINATOR \(ID\)|[#A-Z][A-Z-]*/g;
const WARNING = /has no active members|is rebalancing|^WARN|ConsumerGroupCommand\)$/;

export async function consumerGroups(maker: Maker, bootstrap: string, args: readonly string[]): Promise<Said> {
  const all = ['--bootstrap-server', bootstrap, ...args];
  const run = maker === 'apache-kafka' ? kafkaTool('consumerGroups', all) : script('kafka-consumer-groups.sh', all);
  return understand(await run);
}

/** What one of them says that has to succeed, without a line beside its table. */
export async function groupRows(maker: Maker, bootstrap: string, args: readonly string[]): Promise<readonly Row[]> {
  const { exitCode, lines, rows } = await consumerGroups(maker, bootstrap, args);
  if (exitCode !== 0 || lines.length > 0)
    throw new Error(`${args.join(' ')}: exit code ${exitCode}\n${lines.join('\n')}`);
  return rows;
}

function understand({ exitCode, stdout, stderr }: Outcome): Said {
  const rows: Row[] = [];
  const lines: string[] = [];
  let header: string | null = null;
  for (const line of linesOf(stdout)) {
    const isHeader = HEADER.test(line);
    if (isHeader) header = line;
    const rest = isHeader ? gluedTo(line) : line;
    if (header === null) lines.push(sameWords(line));
    else rows.push(...rowsIn(header, rest));
  }
  // After a wrong use the help follows, which is worded differently.
  if (exitCode !== 0) lines.splice(0, lines.length, inOrder(linesOf(stderr)[0] ?? ''));
  const warnings = linesOf(stderr)
    .filter((line) => WARNING.test(line))
    .map((line) => line.replace(/^\[[^\]]*\] /, ''));
  return { exitCode, rows: rows.toSorted(byText), lines: lines.toSorted(), warnings: warnings.toSorted() };
}

/** The options that a wrong use is told to choose from are a set there. */
function inOrder(reason: string): string {
  return reason.replace(/\[(\[.*\])\]/, (_all, options: string) => options.split(', ').toSorted().join(', '));
}

function byText(left: Row, right: Row): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
}

/** Kafka 3.9 names the exception that wraps the reason, and begins to name a group that is not there. */
function sameWords(line: string): string {
  return line.replace('java.util.concurrent.ExecutionException: ', '').replace(/, '$/, '');
}

/** Kafka 3.9 forgets the line breaks between the rows of two tables; this is what follows their headers. */
function gluedTo(header: string): string {
  return header.replace(/^.*?(NEW-OFFSET|STATUS|$) */, '');
}

function rowsIn(header: string, text: string): Row[] {
  if (text.trim() === '') return [];
  if (header.includes('NEW-OFFSET')) {
    const columns = ['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'];
    return [...text.matchAll(/(\S+) +(\S+) +(\d+) +(\d+) */g)].map((match) => rowOf(columns, match.slice(1)));
  }
  if (header.includes('STATUS')) {
    const glued = /(\S+) +(\d+|Not Provided) +(Successful|Error: :[\w.]+: [^.]*\.) */g;
    return [...text.matchAll(glued)].map((match) => rowOf(['TOPIC', 'PARTITION', 'STATUS'], match.slice(1)));
  }
  const columns = [...header.matchAll(COLUMN)];
  const cells = columns.map(({ index }, at) => text.slice(index, columns[at + 1]?.index).trim());
  return [
    rowOf(
      columns.map(([name]) => name),
      cells,
    ),
  ];
}

function rowOf(columns: readonly string[], cells: readonly string[]): Row {
  return Object.fromEntries(columns.map((column, at) => [column, withoutTopic(column, cells[at] ?? '')]));
}

/** Kafka 3.9 leaves out which topic the partitions of an assignment are of, which all others tell. */
function withoutTopic(column: string, cell: string): string {
  if (column !== 'ASSIGNMENT') return cell;
  return cell
    .replace(/[^ (]+\(/g, '(')
    .split(', ')
    .toSorted()
    .join(', ');
}
