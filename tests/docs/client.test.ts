import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { blocksOf } from './markdown.ts';

const DOCUMENT = 'docs/client.md';

/** Problems of these files, which exist in memory only; what they import is read from the disk. */
function problemsOf(files: ReadonlyMap<string, string>): string[] {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.json', (path) => readFileSync(path, 'utf8')).config,
    ts.sys,
    '.',
  );
  const withDom = {
    ...options,
    lib: [...(options.lib ?? []), 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    incremental: false,
    tsBuildInfoFile: undefined,
  };
  const host = ts.createCompilerHost(withDom);
  const readFile = host.readFile.bind(host);
  const fileExists = host.fileExists.bind(host);
  const getSourceFile = host.getSourceFile.bind(host);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.getSourceFile = (path, target, ...rest) => {
    const text = files.get(path);
    return text === undefined
      ? getSourceFile(path, target, ...rest)
      : ts.createSourceFile(path, text, target);
  };
  const program = ts.createProgram([...files.keys()], withDom, host);
  return [...files.keys()].flatMap((path) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText, start = 0 }) => {
        const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
        return `${path}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
      },
    );
  });
}

test('every example of the SDK’s page is a whole program whose types are right', () => {
  const examples = blocksOf(DOCUMENT).filter(({ language }) => language === 'ts');
  expect(examples.length).toBeGreaterThan(3);
  expect(new Set(examples.map(({ mark }) => mark))).toEqual(new Set(['types']));
  const files = new Map(
    examples.map(({ text }, index) => [resolve(`docs/client-example-${index + 1}.ts`), text]),
  );
  expect(problemsOf(files)).toEqual([]);
}, 180_000);
