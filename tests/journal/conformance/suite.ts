import { describe } from 'vitest';
import type { Dialect } from '../support/dialects.ts';
import { acceptedAnswersConformance } from './accepted-answers.ts';
import { approvalEndsConformance } from './approval-ends.ts';
import { approvalsConformance } from './approvals.ts';
import { concurrencyConformance } from './concurrency.ts';
import { cutOffConformance } from './cut-off.ts';
import { fenceConformance } from './fence.ts';
import { ledgerConformance } from './ledger.ts';
import { lostRunsConformance } from './lost-runs.ts';
import { placesConformance } from './places.ts';
import { projectionConformance } from './projection.ts';
import { pruneConformance } from './prune.ts';
import { recordConformance } from './record.ts';
import { rerunConformance } from './rerun.ts';
import { runnersConformance } from './runners.ts';
import { runsConformance } from './runs.ts';
import { sealConformance } from './seal.ts';
import { sessionsConformance } from './sessions.ts';
import { shelvesConformance } from './shelves.ts';
import { tailConformance } from './tail.ts';
import { transcriptConformance } from './transcript.ts';
import { turnConformance } from './turn.ts';

/** What every journal does, whatever its database. */
export const conformance = (dialect: Dialect) =>
  describe(`the ${dialect.name} journal`, () => {
    turnConformance(dialect);
    fenceConformance(dialect);
    rerunConformance(dialect);
    sealConformance(dialect);
    cutOffConformance(dialect);
    ledgerConformance(dialect);
    runnersConformance(dialect);
    runsConformance(dialect);
    acceptedAnswersConformance(dialect);
    approvalsConformance(dialect);
    approvalEndsConformance(dialect);
    recordConformance(dialect);
    lostRunsConformance(dialect);
    sessionsConformance(dialect);
    placesConformance(dialect);
    shelvesConformance(dialect);
    tailConformance(dialect);
    transcriptConformance(dialect);
    pruneConformance(dialect);
    concurrencyConformance(dialect);
    projectionConformance(dialect);
  });
