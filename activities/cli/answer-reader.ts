/** Which reader understands a program's output. */
import type { CliProvider } from '../../contracts/cli-providers.ts';
import { JsonLinesReader } from './json-lines-reader.ts';
import type { AnswerReader } from './said.ts';
import { TextReader } from './text-reader.ts';

/** @param marker what the program prints at the end of its answer, where the description says so */
export const answerReader = (
  { output, done }: Pick<CliProvider, 'output' | 'done'>,
  marker: string,
): AnswerReader =>
  output.format === 'json-lines' ? new JsonLinesReader(output, done) : new TextReader(done, marker);
