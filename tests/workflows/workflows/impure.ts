/** What no workflow may do; the bundle test proves that the bundler notices. */
import { readFileSync } from 'node:fs';

export async function impure(): Promise<string> {
  return readFileSync('/etc/hostname', 'utf8');
}
