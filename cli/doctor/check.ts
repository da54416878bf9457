export interface Finding {
  readonly check: string;
  /** `warning`: works, but maybe not as you think. */
  readonly status: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  /** What to do; absent where all is well. */
  readonly mend?: string | undefined;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail });
export const warning = (check: string, detail: string, mend: string): Finding => ({
  check,
  status: 'warning',
  detail,
  mend,
});
export const problem = (check: string, detail: string, mend: string): Finding => ({
  check,
  status: 'problem',
  detail,
  mend,
});
