/** Entry point of a model thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadSettings } from './protocol.ts';
import { serve } from './serve.ts';

serve(parentPort!, workerData as ThreadSettings);
