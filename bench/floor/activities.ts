/** The floor's one activity: the same model library, the same request and the same heartbeat as Perdure's model call. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Context } from '@temporalio/activity';
import { isStepCount, streamText } from 'ai';
import { clock } from '../model/script.ts';

export interface FloorTurn {
  readonly id: string;
  readonly text: string;
}

/** Told to the load generator after the turn, by the process channel: telling it is no part of what is measured. */
export interface FloorTimes {
  readonly id: string;
  readonly firstTokenAt: number;
  readonly doneAt: number;
  readonly characters: number;
}

export interface FloorActivities {
  answer(turn: FloorTurn): Promise<{ characters: number }>;
  /** A tool that does nothing but say when. */
  tool(id: string): Promise<void>;
}

const HEARTBEAT_MS = 4_000;

export function createFloorActivities(
  modelUrl: string,
  report: (times: FloorTimes) => void,
): FloorActivities {
  const provider = createOpenAICompatible({ name: 'bench', baseURL: modelUrl, includeUsage: true });
  const model = provider('bench');
  return {
    async answer({ id, text }) {
      const context = Context.current();
      const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
      const result = streamText({
        model,
        messages: [{ role: 'user', content: text }],
        maxRetries: 0,
        stopWhen: isStepCount(1),
        maxOutputTokens: 4_096,
        abortSignal: context.cancellationSignal,
      });
      let firstTokenAt = 0;
      let characters = 0;
      for await (const part of result.stream) {
        if (part.type !== 'text-delta') continue;
        firstTokenAt ||= clock();
        characters += part.text.length;
      }
      clearInterval(beat);
      report({ id, firstTokenAt, doneAt: clock(), characters });
      return { characters };
    },
    tool(id) {
      report({ id, firstTokenAt: 0, doneAt: clock(), characters: 0 });
      return Promise.resolve();
    },
  };
}
