/**
 * Transcripts that steps of this worker were built from, so that the next step reads only what came since. Nothing depends on it: the
 * journal says whether what is known still holds.
 */
import type { SessionId } from '../../../contracts/ids.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import type { EventLog, KnownTranscript } from '../../../journal/port.ts';
import { measured } from './measure.ts';

interface Entry {
  readonly known: KnownTranscript;
  readonly bytes: number;
}

/** Of all transcripts together: dozens of very long ones, beside the 200 MB that a worker has anyway. */
const MAX_BYTES = 64 * 1024 * 1024;
/** A shorter one is as quickly read as looked up, and would only stay behind when its session ends. */
const MIN_ROWS = 16;

export class TranscriptCache {
  /** The one used longest ago comes first. */
  readonly #entries = new Map<SessionId, Entry>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** About what is kept takes of the worker's memory; never above the limit. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The transcript as the journal has it now, from its newest summary on; rows that were there before are the same objects. */
  async read(
    events: Pick<EventLog, 'compacted'>,
    sessionId: SessionId,
  ): Promise<readonly TranscriptMessage[]> {
    const known = await events.compacted(sessionId, this.#entries.get(sessionId)?.known);
    this.#keep(sessionId, known);
    return known.rows;
  }

  #keep(sessionId: SessionId, known: KnownTranscript): void {
    this.#drop(sessionId);
    if (known.rows.length < MIN_ROWS) return;
    const bytes = known.rows.reduce((sum, row) => sum + measured(row).memory, 0);
    this.#entries.set(sessionId, { known, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(sessionId: SessionId): void {
    this.#bytes -= this.#entries.get(sessionId)?.bytes ?? 0;
    this.#entries.delete(sessionId);
  }
}
