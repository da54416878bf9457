/** Entry point of the journal's thread. A commit of 1,000 rows takes tens of milliseconds, which no event loop should stand still for. */
import { parentPort, workerData } from 'node:worker_threads';
import { serve } from './serve.ts';
import type { SqliteSettings } from './statements.ts';

serve(parentPort!, workerData as SqliteSettings);
