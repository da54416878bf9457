import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { TraceMap } from '@jridgewell/trace-mapping';
import { expect, test } from 'vitest';
import ts from 'typescript';
import { testBundle } from '../support/bundle.ts';
import { workflowsPath } from './support/session-kit.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const INLINE_MAP = /sourceMappingURL=data:application\/json;charset=utf-8;base64,(\S+)\s*$/;

/** Files that the real bundler has put into the bundle. */
async function bundledFiles(): Promise<string[]> {
  const { codePath } = await testBundle(workflowsPath);
  const encoded = INLINE_MAP.exec(await readFile(codePath, 'utf8'))?.[1] ?? '';
  const map = new TraceMap(Buffer.from(encoded, 'base64').toString());
  return map.sources.flatMap((source) => source ?? []);
}

const own = (files: readonly string[]) =>
  files.filter(
    (file) => file.startsWith(root) && file.endsWith('.ts') && !file.includes('node_modules'),
  );

test('the bundle holds workflows, contracts and Temporal, and nothing else: no zod, no other room', async () => {
  const files = await bundledFiles();
  const rooms = new Set(own(files).map((file) => file.slice(root.length).split('/')[0]));
  expect(rooms).toEqual(new Set(['contracts', 'workflows']));
  const packages = new Set(
    files.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []),
  );
  const others = [...packages].filter((name) => !name.startsWith('@temporalio/'));
  expect(new Set(others)).toEqual(new Set(['long', 'ms', 'nexus-rpc']));
});

test('the bundler refuses a workflow that reaches for a Node built-in', async () => {
  const said: string[] = [];
  const logger = new DefaultLogger('ERROR', ({ message }) => said.push(message));
  const impure = fileURLToPath(new URL('./workflows/impure.ts', import.meta.url));
  await expect(bundleWorkflowCode({ workflowsPath: impure, logger })).rejects.toThrow(
    /Webpack finished with errors/,
  );
  expect(said.join('\n')).toContain('node:fs');
});

test('no bundled module keeps state: every top-level binding is a constant that nothing can change', async () => {
  const texts = await Promise.all(
    own(await bundledFiles()).map(async (file) => ({ file, text: await readFile(file, 'utf8') })),
  );
  expect(texts.flatMap(({ file, text }) => mutableState(file, text))).toEqual([]);
});

test('the check of module state knows what state looks like', () => {
  const found = (code: string) => mutableState('x.ts', code).length;
  expect(found('let counter = 0;')).toBe(1);
  expect(found('export var counter = 0;')).toBe(1);
  expect(found('const cache = new Map<string, number>();')).toBe(1);
  expect(found('const seen: string[] = [];')).toBe(1);
  expect(found('const LIMITS = { a: 1 } as const; const f = () => { let n = 0; return n; };')).toBe(
    0,
  );
});

/** Bindings that could change: `let` and `var`, instances of collections, and arrays or objects that are not read-only constants. */
function mutableState(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  return source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) =>
      declarationList.declarations
        .filter(
          ({ initializer }) =>
            !(declarationList.flags & ts.NodeFlags.Const) || isMutable(initializer),
        )
        .map((declaration) => `${file}: ${declaration.name.getText()}`),
    );
}

/** Sets that are only looked up, and maps that only remember what follows from their key. */
const KNOWN = new Set(['UNLIMITED_WHEN_NULL', 'patterns']);

function isMutable(value: ts.Expression | undefined): boolean {
  if (!value) return true;
  if (ts.isNewExpression(value)) {
    const { parent } = value;
    return !(ts.isVariableDeclaration(parent) && KNOWN.has(parent.name.getText()));
  }
  return ts.isArrayLiteralExpression(value) && value.elements.length === 0;
}
