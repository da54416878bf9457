import { fileURLToPath } from 'node:url';
import { firstMessage } from './fork.ts';
import type { Forked } from './fork.ts';

const probe = fileURLToPath(new URL('./memory-probe.ts', import.meta.url));

/** Node options of a process whose memory is to be measured. */
export const MEASURED = ['--expose-gc', '--import', probe] as const;

/** Kilobytes (1,024 bytes) of private memory, after a full garbage collection in all threads. */
export async function memoryKb(forked: Forked): Promise<number> {
  const answer = firstMessage(forked, (message) => (message as { memoryKb?: number }).memoryKb);
  forked.process.send({ measureMemory: true });
  return answer;
}
