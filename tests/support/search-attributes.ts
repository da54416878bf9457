import type { SearchAttributeType } from '../../servers/dev-server.ts';

/** What the session workflow sets; a start with an unregistered one fails, or hangs on the time-skipping server. */
export const SEARCH_ATTRIBUTES: Readonly<Record<string, SearchAttributeType>> = {
  PerdureTenant: 'Keyword',
  PerdureAgent: 'Keyword',
  PerdureState: 'Keyword',
};
