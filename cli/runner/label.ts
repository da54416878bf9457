/** Labels on the command line. Light: loaded for every `perdure --help`. */
import { InvalidArgumentError } from 'commander';

/** One more `key=value`. @throws {InvalidArgumentError} */
export function labels(text: string, before: Readonly<Record<string, string>>) {
  const [key = '', ...value] = text.split('=');
  if (key === '' || value.length === 0)
    throw new InvalidArgumentError('Expected key=value, such as os=linux.');
  return { ...before, [key]: value.join('=') };
}
