/** What a runner's disk says of its calls: one file each, from before the claim until the API has the result. */
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { isId } from '../contracts/ids.ts';
import type { CallId } from '../contracts/ids.ts';
import type { AgentToolCall } from '../contracts/runners.ts';
import type { ToolAnswer } from '../contracts/tools.ts';
import { removeFile, writeDurably, writeWhole } from './durable-file.ts';

/**
 * `claiming`: it may be claimed, and nothing was done yet; `begun`: it may have taken effect;
 * `done`: this is its outcome, which the API may not have heard.
 */
export type KeptCall =
  | { readonly state: 'claiming' | 'begun'; readonly action: AgentToolCall }
  | { readonly state: 'done'; readonly action: AgentToolCall; readonly outcome: ToolAnswer };

const ENDING = '.json';

export class CallFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * There for the next process when this returns. What must not run twice outlives a power cut too; any other call is offered again when
   * its lease ends, so that a flush would only make it late.
   */
  keep(call: KeptCall): void {
    const { callId, effect } = call.action.invocation;
    const write = effect === 'never-retry' ? writeDurably : writeWhole;
    write(this.#file(callId), JSON.stringify(call));
  }

  forget(callId: CallId): void {
    removeFile(this.#file(callId));
  }

  /** @param onBroken is told of a file that cannot be read, which is set aside: a broken disk or a power cut makes one */
  all(onBroken: (file: string) => void): KeptCall[] {
    return readdirSync(this.#folder).flatMap((name) => {
      const callId = path.basename(name, ENDING);
      if (!name.endsWith(ENDING) || !isId('call', callId)) return [];
      const file = this.#file(callId);
      try {
        return [JSON.parse(readFileSync(file, 'utf8')) as KeptCall];
      } catch {
        renameSync(file, `${file}.broken`);
        onBroken(`${file}.broken`);
        return [];
      }
    });
  }

  #file(callId: CallId): string {
    return path.join(this.#folder, callId + ENDING);
  }
}
