/**
 * Prints a turn as it grows. A terminal cannot take back what it printed, so when an attempt is superseded and the next one says the same
 * again, only what is new is printed; where it says something else, the answer begins again below a notice.
 */
import type { StepView, TurnView } from '../../client/index.ts';
import { textOfStep } from '../../client/index.ts';
import { callLine, printable, resultLine } from '../format.ts';

interface Segment {
  readonly kind: 'text' | 'call';
  readonly text: string;
}

const BEGINS_AGAIN = '(the answer begins again)';

export interface TurnPrinter {
  /** @returns what to print so that the screen shows the turn as it is now */
  update(turn: TurnView): string;
}

export function createTurnPrinter(): TurnPrinter {
  let turnId = '';
  let printed: Segment[] = [];
  let reported = new Set<string>();
  let out = '';
  let atLineStart = true;

  const write = (text: string) => {
    out += text;
    if (text !== '') atLineStart = text.endsWith('\n');
  };
  const line = (text: string) => write(`${atLineStart ? '' : '\n'}${text}\n`);
  const begin = ({ kind, text }: Segment) => {
    if (kind === 'call') return line(text);
    // An answer stands apart from the tool calls above it.
    if (!atLineStart) write('\n');
    if (printed.length > 0) write('\n');
    write(text);
  };

  const show = (segment: Segment, index: number, settled: boolean) => {
    const before = printed[index];
    if (!before) {
      begin(segment);
      printed.push(segment);
    } else if (before.kind === segment.kind && segment.text.startsWith(before.text)) {
      write(segment.text.slice(before.text.length));
      printed[index] = segment;
    } else if (settled || !before.text.startsWith(segment.text)) {
      line(BEGINS_AGAIN);
      printed = printed.slice(0, index);
      begin(segment);
      printed.push(segment);
    }
  };

  return {
    update(turn) {
      if (turn.turn !== turnId) {
        turnId = turn.turn;
        printed = [];
        reported = new Set();
        atLineStart = true;
      }
      out = '';
      const segments = turn.steps.flatMap(segmentsOf);
      const settled = turn.outcome !== null;
      segments.forEach((segment, index) =>
        show(segment, index, settled || index < segments.length - 1),
      );
      for (const { callId, name, settlement } of turn.steps.flatMap(({ calls }) => calls)) {
        if (!settlement || reported.has(callId)) continue;
        reported.add(callId);
        line(resultLine(name, settlement));
      }
      if (settled && !atLineStart) write('\n');
      return out;
    },
  };
}

function segmentsOf(step: StepView): Segment[] {
  const text = printable(textOfStep(step));
  const stored = step.blocks
    .filter(({ kind, artifact }) => kind === 'text' && artifact)
    .map(({ artifact }) => `[${artifact!.bytes} bytes of text in ${artifact!.artifact}]`)
    .join('\n');
  const said = [text, stored].filter(Boolean).join('\n');
  const calls = step.calls.map((call): Segment => ({
    kind: 'call',
    text: callLine(call.name, call.arguments),
  }));
  return said === '' ? calls : [{ kind: 'text', text: said }, ...calls];
}
