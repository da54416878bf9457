/** What a model thread and the thread that started it say to each other: only what can be cloned. */
import type { ContentKind } from '../../../contracts/events.ts';
import type { ModelCatalogue } from '../../../contracts/settings.ts';
import type { Answer } from '../answer-collector.ts';
import type { ModelTimeouts } from '../deadlines.ts';
import type { ModelFailure } from '../failure.ts';
import type { ProviderKey } from '../providers.ts';
import type { AnswerRequest } from '../stream-answer.ts';

export interface ThreadSettings {
  readonly catalogue: ModelCatalogue;
  /** Environment variable → value: the providers' keys and nothing else. */
  readonly secrets: Readonly<Record<string, string>>;
}

export type Order =
  | {
      readonly kind: 'ask';
      readonly id: number;
      /** The model by its name: each side makes its own connection of it. */
      readonly request: Omit<AnswerRequest, 'model'> & {
        readonly model: string;
        readonly key: ProviderKey | undefined;
      };
      readonly timeouts: ModelTimeouts;
    }
  | { readonly kind: 'stop' | 'hold' | 'resume'; readonly id: number }
  | { readonly kind: 'end' };

export type Report =
  | { readonly kind: 'heard'; readonly id: number }
  | {
      readonly kind: 'text';
      readonly id: number;
      readonly content: ContentKind;
      readonly text: string;
    }
  | { readonly kind: 'answered'; readonly id: number; readonly answer: Answer }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly failure: ModelFailure;
      /** Of the provider's error, for the log. */
      readonly stack: string | undefined;
    };
