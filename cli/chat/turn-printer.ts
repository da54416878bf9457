/**
 * Prints a turn as it grows. A terminal cannot take back what it printed, so when an attempt is superseded and the next one says the same
 * again, only what is new is printed; where it says something else, the answer begins again below a notice.
 */
import type { StepView, TurnView } from '../../client/index.ts';
import { textOfStep } from '../../client/index.ts';
import { callLine, printable, resultLine } from '../format.ts';

interface Segment {
  readonly kind: 'reasoning' | 'text' | 'call';
  readonly text: string;
}

const DIM = ['\u001b[2m', '\u001b[22m'] as const;

const BEGINS_AGAIN = '(the answer begins again)';

export interface TurnPrinter {
  /** @returns what to print so that the screen shows the turn as it is now */
  update(turn: TurnView): string;
}

export interface PrinterOptions {
  /** Shows what the model thinks, dimmed, above its answer: for a terminal. Whoever reads a pipe wants the answer. */
  readonly reasoning?: boolean;
}

export function createTurnPrinter({ reasoning = false }: PrinterOptions = {}): TurnPrinter {
  let turnId = '';
  let printed: Segment[] = [];
  let reported = new Set<string>();
  let out = '';
  let atLineStart = true;

  const write = (text: string, kind?: Segment['kind']) => {
    out += kind === 'reasoning' ? `${DIM[0]}${text}${DIM[1]}` : text;
    if (text !== '') atLineStart = text.endsWith('\n');
  };
  const line = (text: string) => write(`${atLineStart ? '' : '\n'}${text}\n`);
  const begin = ({ kind, text }: Segment) => {
    if (kind === 'call') return line(text);
    // An answer stands apart from the tool calls above it.
    if (!atLineStart) write('\n');
    if (printed.length > 0) write('\n');
    write(text, kind);
  };

  const show = (segment: Segment, index: number, settled: boolean) => {
    const before = printed[index];
    if (!before) {
      begin(segment);
      printed.push(segment);
    } else if (before.kind === segment.kind && segment.text.startsWith(before.text)) {
      // A thought that comes after the answer has begun has no place above it any more.
      if (segment.kind === 'reasoning' && index < printed.length - 1) return;
      if (segment.text.length > before.text.length)
        write(segment.text.slice(before.text.length), segment.kind);
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
      const segments = turn.steps.flatMap((step) => segmentsOf(step, reasoning));
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

function segmentsOf(step: StepView, reasoning: boolean): Segment[] {
  const text = printable(textOfStep(step));
  const stored = step.blocks
    // What the API no longer has: else its text is in the block.
    .filter(({ kind, artifact, text }) => kind === 'text' && artifact && text === '')
    .map(({ artifact }) => `[${artifact!.bytes} bytes of text in ${artifact!.artifact}]`)
    .join('\n');
  const said = [text, stored].filter(Boolean).join('\n');
  const thought = reasoning ? thoughtOf(step) : '';
  const segments: Segment[] = [
    { kind: 'reasoning', text: thought },
    { kind: 'text', text: said },
  ];
  const calls = step.calls.map((call): Segment => ({
    kind: 'call',
    text: callLine(call.name, call.arguments, call.artifact),
  }));
  return [...segments.filter(({ text }) => text !== ''), ...calls];
}

const thoughtOf = ({ blocks }: StepView): string =>
  printable(
    blocks
      .filter(({ kind }) => kind === 'reasoning')
      .map(({ text }) => text)
      .join(''),
  );
