export interface BenchOptions {
  /** Shorter rounds, for trying a change; the figures are not to be published. */
  readonly quick: boolean;
  /** Where a profile of the product goes: of the processor for `turn` and `stream`, of the heap for `memory`. */
  readonly profile: string | undefined;
  /** How many sessions `programs` counts the leftovers of, instead of its own number. */
  readonly count?: number | undefined;
}

/** What a bench found: `figures` are compared with the goals of docs/performance.md, `notes` are printed beside them. */
export interface Outcome {
  readonly figures: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
}

/** One line of the table. `goal` is shown as written; a row without one is there to explain the others. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: Goal;
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

const DECIMALS = 2;

export const round = (value: number): number => Number(value.toFixed(DECIMALS));

/** A plain text table; a goal that was not reached is marked, and by how much. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.name,
    `${round(row.value)} ${row.unit}`.trim(),
    goalText(row),
  ]);
  const width = (column: number) => Math.max(...lines.map((line) => line[column]?.length ?? 0));
  const widths = [width(0), width(1)];
  return lines
    .map(([name = '', value = '', goal = '']) =>
      `  ${name.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${goal}`.trimEnd(),
    )
    .join('\n');
}

function goalText({ value, goal }: Row): string {
  if (!goal) return '';
  const wanted = 'atMost' in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`;
  const reached = 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
  if (reached) return `${wanted}  reached`;
  const missedBy = 'atMost' in goal ? value / goal.atMost - 1 : 1 - value / goal.atLeast;
  // Nothing is a share of zero.
  return Number.isFinite(missedBy)
    ? `${wanted}  MISSED by ${Math.ceil(missedBy * 100)} %`
    : `${wanted}  MISSED`;
}

/** Rows whose value is a figure too: its bracketed name in issue 3 is the row's name. */
export function figuresOf(rows: readonly Row[], names: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    names.map((name) => [name, round(rows.find((row) => row.name === name)?.value ?? Number.NaN)]),
  );
}

/** Progress goes to stderr: stdout holds the table and the JSON line only. */
export const say = (line: string): void => console.error(`[bench] ${line}`);
