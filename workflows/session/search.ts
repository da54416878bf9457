/** What Temporal's UI can filter sessions by. Set at the start and at the end only: each change costs an event. Pure. */
import type { SearchAttributePair } from '@temporalio/common';
import { SEARCH_ATTRIBUTES, type SearchState } from '../../contracts/names.ts';
import type { SessionStart } from './messages.ts';
import type { Session } from './state.ts';

const keyword = (name: string, value: string): SearchAttributePair => ({
  key: { name, type: 'KEYWORD' },
  value,
});

const state = (value: SearchState): SearchAttributePair => keyword(SEARCH_ATTRIBUTES.state, value);

export const openAttributes = ({ tenant, agent }: SessionStart): SearchAttributePair[] => [
  keyword(SEARCH_ATTRIBUTES.tenant, tenant),
  keyword(SEARCH_ATTRIBUTES.agent, agent),
  state('open'),
];

/** A session that was given up on after a turn that failed is what an operator looks for. */
export const endAttribute = ({ failed }: Session): SearchAttributePair =>
  state(failed ? 'failed' : 'ended');
