/** What a chat begins with, in the terminal or through a pipe. */
import type { PerdureClient } from '../../client/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { ChatOptions } from './options.ts';

export interface ChatStart {
  readonly client: PerdureClient;
  readonly options: ChatOptions;
  readonly catalogue: Catalogue;
  /** The session to go on with. */
  readonly sessionId: string | undefined;
}
