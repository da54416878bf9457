import type { Door } from '../entry.ts';
import type { ProcedureMeta } from '../procedures.ts';
import { appRouter } from '../router.ts';

/** Procedures that have a plain form too: a stream, or bytes instead of JSON. */
type Twin = 'session.page' | 'runner.calls' | 'artifact.put' | 'artifact.get';

/** tRPC keeps them under their dotted paths; its types show them nested. */
const procedures = appRouter._def.procedures as unknown as Readonly<
  Record<Twin, { readonly _def: { readonly meta?: ProcedureMeta } }>
>;

/** The procedure's own, so that its plain form can never let in anybody else. */
export const doorOf = (path: Twin): Door => ({
  path,
  roles: procedures[path]._def.meta?.roles ?? [],
});
