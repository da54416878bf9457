import { describe } from 'vitest';
import type { Dialect } from '../support/dialects.ts';
import { turnConformance } from './turn.ts';

/** What every journal does, whatever its database. */
export const conformance = (dialect: Dialect) =>
  describe(`the ${dialect.name} journal`, () => {
    turnConformance(dialect);
  });
