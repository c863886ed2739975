/**
 * A TypeScript file as the house law sees it: its imports, calls, functions and comments, taken from a real parser, so
 * that a word in a string or in a comment is never mistaken for code.
 */
import { parseSync } from 'vite';

/** A node of the syntax tree (ESTree with the TypeScript nodes). */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  readonly line: number;
}

export interface Call {
  /** As written: `Date.now`, `setTimeout`, `new Function`, `it.skip`. */
  readonly name: string;
  readonly argumentCount: number;
  readonly line: number;
}

export class SourceFile {
  readonly file: string;
  readonly text: string;
  readonly errors: readonly string[];
  readonly comments: readonly { readonly start: number; readonly text: string }[];
  readonly #program: Node;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    const { program, comments, errors } = parseSync(file, text, { lang: 'ts' });
    this.#program = program as unknown as Node;
    this.errors = errors.map((error) => error.message);
    this.comments = comments.map(({ start, value }) => ({ start, text: value }));
  }

  /** Calls the visitor for every node, parents first. */
  walk(visit: (node: Node, parent: Node | null) => void): void {
    walkFrom(this.#program, null, visit);
  }

  /** 1-based. */
  lineOf(position: number): number {
    return this.text.slice(0, position).split('\n').length;
  }

  /** Does a comment stand before the first thing that is neither an import nor a directive? */
  hasHeadComment(): boolean {
    const body = this.#program['body'] as Node[];
    const first = body.find(({ type }) => type !== 'ImportDeclaration');
    return this.comments.some(({ start }) => first === undefined || start < first.start);
  }

  imports(): Import[] {
    const imports: Import[] = [];
    this.walk((node) => {
      const from = node['source'] as Node | null | undefined;
      const isImport = /^(ImportDeclaration|ExportAllDeclaration|ExportNamedDeclaration|ImportExpression)$/.test(
        node.type,
      );
      if (!isImport || from?.type !== 'Literal') return;
      const isTypeOnly = node['importKind'] === 'type' || node['exportKind'] === 'type';
      imports.push({ specifier: String(from['value']), isTypeOnly, line: this.lineOf(node.start) });
    });
    return imports;
  }

  calls(): Call[] {
    const calls: Call[] = [];
    this.walk((node) => {
      if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return;
      const name = dottedName(node['callee'] as Node);
      if (name === null) return;
      const prefix = node.type === 'NewExpression' ? 'new ' : '';
      const argumentCount = (node['arguments'] as Node[]).length;
      calls.push({ name: `${prefix}${name}`, argumentCount, line: this.lineOf(node.start) });
    });
    return calls;
  }

  /** Every function with a body, its length in lines from its first to its last. */
  functions(): { name: string; lines: number }[] {
    const functions: { name: string; lines: number }[] = [];
    this.walk((node, parent) => {
      if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return;
      const lines = this.lineOf(node.end) - this.lineOf(node.start) + 1;
      functions.push({ name: functionName(node, parent), lines });
    });
    return functions;
  }
}

export function parseSource(file: string, text: string): SourceFile {
  return new SourceFile(file, text);
}

function walkFrom(node: Node, parent: Node | null, visit: (node: Node, parent: Node | null) => void): void {
  visit(node, parent);
  for (const field of Object.keys(node)) {
    const value = node[field];
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walkFrom(child, node, visit);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

/** `a.b.c`, also behind `globalThis.`; null for anything that is not plain names. */
function dottedName(node: Node): string | null {
  if (node.type === 'Identifier') return String(node['name']);
  if (node.type !== 'MemberExpression' || node['computed'] === true) return null;
  const object = dottedName(node['object'] as Node);
  if (object === null) return null;
  const property = String((node['property'] as Node)['name']);
  return object === 'globalThis' ? property : `${object}.${property}`;
}

function functionName(node: Node, parent: Node | null): string {
  const named = (node['id'] ?? parent?.['id'] ?? parent?.['key']) as Node | null | undefined;
  return String(named?.['name'] ?? 'function');
}
