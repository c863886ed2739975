/**
 * kafka-dump-log: prints what is in the files of a log directory: segments, indexes, producer snapshots, aborted
 * transactions (Kafka's DumpLogSegments). Reads what this broker and Kafka wrote alike.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { CorruptSnapshotError, decodeSnapshotEntries } from '../log/producer-snapshot.ts';
import { decodeAbortedTxns } from '../log/transaction-index.ts';
import { KafkaError } from '../protocol/errors.ts';
import { NO_SEQUENCE, type RecordBatch, sequenceAfter } from '../protocol/records/batch.ts';
import { openMessageSet } from '../protocol/records/message-set.ts';
import { type OpenedRecord, recordsOf } from '../protocol/records/open.ts';
import { CommandError, defineCommand, requireOptions, type Terminal } from './command.ts';
import { baseOffsetOf, dumpOffsetIndex, dumpTimeIndex, IndexProblems, lastOffsetOf } from './dump-index.ts';
import { unreadable } from './named-file.ts';
import type { Options } from './options.ts';
import { SegmentFile } from './segment-file.ts';

const INT_MAX = '2147483647';
const STRING_DECODER = 'org.apache.kafka.tools.api.StringDecoder';

const OPTIONS = {
  files: { argument: 'file1,file2', required: true, description: 'The files to dump, separated by commas.' },
  'print-data-log': { description: 'Print keys and values of records, too.' },
  'deep-iteration': { description: 'Print each record, not only each batch; set by --print-data-log.' },
  'verify-index-only': { description: 'Check an index against its log without printing it.' },
  'index-sanity-check': { description: 'Only the check of an index that a broker makes when it starts.' },
  'max-message-size': { argument: 'bytes', default: '5242880', description: 'Size of the largest batch.' },
  'max-bytes': { argument: 'bytes', default: INT_MAX, description: 'Read no more than this of a log.' },
  'skip-record-metadata': { description: 'Print only keys and values of records.' },
  'key-decoder-class': {
    argument: 'class',
    argumentIsOptional: true,
    default: STRING_DECODER,
    description: 'How keys are read: StringDecoder, IntegerDecoder or LongDecoder of org.apache.kafka.tools.api.',
  },
  'value-decoder-class': {
    argument: 'class',
    argumentIsOptional: true,
    default: STRING_DECODER,
    description: 'How values are read, likewise.',
  },
  'offsets-decoder': { description: 'Not supported yet.', hidden: true },
  'transaction-log-decoder': { description: 'Not supported yet.', hidden: true },
  'cluster-metadata-decoder': { description: 'Not supported: there is no KRaft log.', hidden: true },
  'remote-log-metadata-decoder': { description: 'Not supported: there is no remote storage.', hidden: true },
};
type DumpOptions = Options<keyof typeof OPTIONS | 'help' | 'version'>;
type Decoder = (bytes: Buffer) => string;

export const main = defineCommand({
  script: 'kafka-dump-log.sh',
  summary:
    'This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly ' +
    'corrupt log segment.',
  options: OPTIONS,
  examples: [
    [
      'Batches and records of a segment',
      'kafka-dump-log.sh --print-data-log --files data/kafka1/orders-0/00000000000000000000.log',
    ],
    [
      'Does the index fit the log?',
      'kafka-dump-log.sh --verify-index-only --files data/kafka1/orders-0/00000000000000000000.index',
    ],
  ],
  run: async (options, terminal) => {
    requireOptions(options, 'files');
    for (const decoder of [
      'offsets-decoder',
      'transaction-log-decoder',
      'cluster-metadata-decoder',
      'remote-log-metadata-decoder',
    ] as const)
      if (options.has(decoder)) throw new CommandError(`--${decoder}: ${OPTIONS[decoder].description}`);
    const dump = new Dump(options, terminal);
    for (const file of options.required('files').split(',')) await dump.file(file.trim());
    return dump.finish();
  },
});

const DECODERS = new Map<string, Decoder>([
  ['StringDecoder', (bytes) => bytes.toString()],
  ['DefaultDecoder', (bytes) => bytes.toString('hex')],
  ['IntegerDecoder', (bytes) => String(bytes.length === 4 ? bytes.readInt32BE() : `(${bytes.length} bytes)`)],
  ['LongDecoder', (bytes) => String(bytes.length === 8 ? bytes.readBigInt64BE() : `(${bytes.length} bytes)`)],
]);

function decoderOf(className: string): Decoder {
  const decoder = DECODERS.get(className.replace(/^(org\.apache\.kafka\.tools\.api|kafka\.serializer)\./, ''));
  if (decoder === undefined)
    throw new CommandError(`There is no decoder ${className} here. Decoders: ${[...DECODERS.keys()].join(', ')}`);
  return decoder;
}

class Dump {
  readonly #options: DumpOptions;
  readonly #terminal: Terminal;
  readonly #problems = new IndexProblems();
  readonly #gaps = new Map<string, string[]>();
  readonly #decodeKey: Decoder;
  readonly #decodeValue: Decoder;
  #exitCode = 0;

  constructor(options: DumpOptions, terminal: Terminal) {
    this.#options = options;
    this.#terminal = terminal;
    this.#decodeKey = decoderOf(options.required('key-decoder-class') || STRING_DECODER);
    this.#decodeValue = decoderOf(options.required('value-decoder-class') || STRING_DECODER);
  }

  #print(line: string): void {
    this.#terminal.out(`${line}\n`);
  }

  get #printsData(): boolean {
    return ['print-data-log', 'key-decoder-class', 'value-decoder-class'].some((name) =>
      this.#options.has(name as 'print-data-log'),
    );
  }

  async file(file: string): Promise<void> {
    this.#print(`Dumping ${file}`);
    const index = {
      sanityOnly: this.#options.has('index-sanity-check'),
      verifyOnly: this.#options.has('verify-index-only'),
      maxMessageSize: this.#options.int('max-message-size') ?? 0,
      print: (line: string) => this.#print(line),
    };
    try {
      switch (path.extname(file)) {
        case '.log':
          return await this.#dumpLog(file);
        case '.index':
          return dumpOffsetIndex(file, this.#problems, index);
        case '.timeindex':
          return dumpTimeIndex(file, this.#problems, index);
        case '.snapshot':
          return this.#dumpSnapshot(file);
        case '.txnindex':
          return this.#dumpTransactionIndex(file);
        default:
          this.#terminal.error(`Ignoring unknown file ${file}\n`);
      }
    } catch (error) {
      throw unreadable(error) ?? error;
    }
  }

  /** What was wrong, and the exit code. */
  finish(): number {
    const lines = this.#problems.lines();
    for (const [file, gaps] of this.#gaps) lines.push(`Non-consecutive offsets in ${file}`, ...gaps);
    for (const line of lines) this.#terminal.error(`${line}\n`);
    return this.#exitCode;
  }

  async #dumpLog(file: string): Promise<void> {
    this.#print(`Log starting offset: ${baseOffsetOf(file)}`);
    const isDeep = this.#options.has('deep-iteration') || this.#printsData;
    const maxBytes = this.#options.int('max-bytes') ?? 0;
    const log = new SegmentFile(file);
    let validBytes = 0;
    let lastOffset = -1;
    try {
      for (const { batch, position } of log.batches(0, Math.min(maxBytes, log.sizeBytes))) {
        this.#print(batchLine(batch, position));
        if (isDeep)
          for (const record of openedRecords(batch)) {
            if (lastOffset >= 0 && record.offset !== lastOffset + 1) this.#gap(file, lastOffset, record.offset);
            lastOffset = record.offset;
            this.#print(this.#recordLine(batch, record));
          }
        validBytes = position + batch.sizeBytes;
        await this.#terminal.drained();
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#terminal.error(`${path.basename(file)} cannot be read at position ${validBytes}: ${error.message}\n`);
      this.#exitCode = 1;
    } finally {
      log.close();
    }
    const trailing = log.sizeBytes - validBytes;
    if (trailing > 0 && maxBytes === Number(INT_MAX))
      this.#print(`Found ${trailing} invalid bytes at the end of ${path.basename(file)}`);
  }

  #gap(file: string, before: number, after: number): void {
    const key = path.resolve(file);
    const gaps = this.#gaps.get(key) ?? [];
    gaps.push(`  ${before} is followed by ${after}`);
    this.#gaps.set(key, gaps);
  }

  #recordLine(batch: RecordBatch, record: OpenedRecord): string {
    const parts: string[] = [];
    if (!this.#options.has('skip-record-metadata')) {
      parts.push(`offset: ${record.offset} ${timestampText(batch, record.timestampMs)}`);
      parts.push(`keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1}`);
      if (batch.magic >= 2) {
        const headerKeys = record.headers.map(({ key }) => key).join(',');
        parts.push(`sequence: ${sequenceOf(batch, record.offset)} headerKeys: [${headerKeys}]`);
      }
      if (batch.magic >= 2 && batch.isControl) parts.push(controlText(record));
    }
    if (this.#printsData && !(batch.magic >= 2 && batch.isControl)) {
      if (record.key !== null) parts.push(`key: ${this.#decodeKey(record.key)}`);
      if (record.value !== null) parts.push(`payload: ${this.#decodeValue(record.value)}`);
    }
    return `| ${parts.join(' ')}`;
  }

  #dumpSnapshot(file: string): void {
    try {
      for (const { batches, ...entry } of decodeSnapshotEntries(readFileSync(file))) {
        const [batch] = batches;
        const { producerId, producerEpoch, coordinatorEpoch, currentTxnFirstOffset, lastTimestampMs } = entry;
        const transaction = currentTxnFirstOffset < 0 ? 'OptionalLong.empty' : `OptionalLong[${currentTxnFirstOffset}]`;
        const producer =
          `producerId: ${producerId} producerEpoch: ${producerEpoch} coordinatorEpoch: ${coordinatorEpoch} ` +
          `currentTxnFirstOffset: ${transaction} lastTimestamp: ${lastTimestampMs} `;
        const last =
          batch === undefined
            ? ''
            : `firstSequence: ${batch.firstSequence} lastSequence: ${batch.lastSequence} ` +
              `lastOffset: ${batch.lastOffset} ` +
              `offsetDelta: ${batch.lastOffset - batch.firstOffset} timestamp: ${batch.timestampMs}`;
        this.#print(`${producer}${last}`);
      }
    } catch (error) {
      if (!(error instanceof CorruptSnapshotError)) throw error;
      this.#terminal.error(`${error.message}\n`);
    }
  }

  #dumpTransactionIndex(file: string): void {
    const transactions = decodeAbortedTxns(readFileSync(file), baseOffsetOf(file));
    if (transactions === null) throw new CommandError(`${file} is not a transaction index of its segment.`);
    for (const { producerId, firstOffset, lastOffset, lastStableOffset } of transactions)
      this.#print(
        `version: 0 producerId: ${producerId} firstOffset: ${firstOffset} lastOffset: ${lastOffset} ` +
          `lastStableOffset: ${lastStableOffset}`,
      );
  }
}

function batchLine(batch: RecordBatch, position: number): string {
  const tail = (compression: string | null, crc: number, isValid: boolean, maxTimestamp: number): string =>
    ` position: ${position} ${timestampText(batch, maxTimestamp)} size: ${batch.sizeBytes} magic: ${batch.magic} ` +
    `compresscodec: ${compression ?? 'unknown'} crc: ${crc} isvalid: ${isValid}`;
  if (batch.magic < 2) return `offset: ${lastOffsetOf(batch)}${tail(...legacyFacts(batch))}`;
  const horizon = batch.hasDeleteHorizon ? `OptionalLong[${batch.baseTimestamp}]` : 'OptionalLong.empty';
  return (
    `baseOffset: ${batch.baseOffset} lastOffset: ${batch.lastOffset} count: ${batch.recordCount} ` +
    `baseSequence: ${batch.baseSequence} lastSequence: ${batch.lastSequence} producerId: ${batch.producerId} ` +
    `producerEpoch: ${batch.producerEpoch} partitionLeaderEpoch: ${batch.partitionLeaderEpoch} ` +
    `isTransactional: ${batch.isTransactional} isControl: ${batch.isControl} deleteHorizonMs: ${horizon}` +
    tail(batch.compression, batch.crc, batch.isCrcValid(), batch.maxTimestamp)
  );
}

const LEGACY_CODECS = ['none', 'gzip', 'snappy', 'lz4'];

/** Where a message of the older formats has its crc, attributes and timestamp (Kafka's LegacyRecord). */
function legacyFacts(
  batch: RecordBatch,
): [compression: string | null, crc: number, isValid: boolean, timestamp: number] {
  const { buffer, position, endPosition } = batch;
  const crc = buffer.readUInt32BE(position + 12);
  const attributes = buffer.readInt8(position + 17);
  const timestamp = batch.magic === 0 ? -1 : Number(buffer.readBigInt64BE(position + 18));
  const isValid = crc === crc32(buffer.subarray(position + 16, endPosition));
  return [LEGACY_CODECS[attributes & 0x07] ?? null, crc, isValid, timestamp];
}

function timestampText(batch: RecordBatch, timestampMs: number): string {
  if (batch.magic === 0) return `NoTimestampType: ${timestampMs}`;
  if (batch.magic === 1) {
    const isLogAppendTime = (batch.buffer.readInt8(batch.position + 17) & 0x08) !== 0;
    return `${isLogAppendTime ? 'LogAppendTime' : 'CreateTime'}: ${timestampMs}`;
  }
  return `${batch.timestampType}: ${timestampMs}`;
}

function* openedRecords(batch: RecordBatch): Generator<OpenedRecord, void, undefined> {
  if (batch.magic >= 2) yield* recordsOf(batch);
  else for (const message of openMessageSet(batch.toBuffer()).messages) yield { ...message, headers: [] };
}

function sequenceOf(batch: RecordBatch, offset: number): number {
  const { baseSequence } = batch;
  return baseSequence === NO_SEQUENCE ? NO_SEQUENCE : sequenceAfter(baseSequence, offset - batch.baseOffset);
}

const CONTROL_TYPES = ['ABORT', 'COMMIT', 'LEADER_CHANGE', 'SNAPSHOT_HEADER', 'SNAPSHOT_FOOTER'];

/**
 * The key of a control record: int16 version, int16 type; the value of a transaction marker: int16 version, int32
 * epoch.
 */
function controlText({ key, value }: OpenedRecord): string {
  const type = key !== null && key.length >= 4 ? key.readInt16BE(2) : -1;
  const name = CONTROL_TYPES[type] ?? 'UNKNOWN';
  const isMarker = (name === 'ABORT' || name === 'COMMIT') && value !== null && value.length >= 6;
  return isMarker ? `endTxnMarker: ${name} coordinatorEpoch: ${value.readInt32BE(2)}` : `controlType: ${name}(${type})`;
}
