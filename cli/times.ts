/** Times of the API, ISO 8601, as tables show them: in UTC, which their headings say. Whole ones are for details and `--json`. */

/** `2026-11-30 20:15` */
export const toMinute = (at: string): string => at.slice(0, 16).replace('T', ' ');

/** `2026-11-30 20:15:07` */
export const toSecond = (at: string): string => at.slice(0, 19).replace('T', ' ');

/** `20:15:07.123` */
export const clockTime = (at: string): string => at.slice(11, 23);
