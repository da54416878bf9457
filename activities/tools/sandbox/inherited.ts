/**
 * File descriptors that this process inherited and would pass on: a folder of whoever started the worker, held open, would lead a sandbox out of
 * itself. Node's own are closed by exec.
 */
import { openSync, readdirSync, readFileSync } from 'node:fs';

/** Of open(2), octal as in /proc/self/fdinfo. */
const O_CLOEXEC = 0o2000000;

function isPassedOn(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(
      readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'),
    );
    return flags !== null && (parseInt(flags[1] as string, 8) & O_CLOEXEC) === 0;
  } catch {
    // Closed meanwhile: the one that listed the folder.
    return false;
  }
}

/** Nothing to be read, nothing to be written. */
let nothing: number | undefined;

/** What stands in a child's `stdio` from a place on, so that it gets none of them. */
export function covered(from: number): (number | null)[] {
  const passedOn = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => descriptor >= from && isPassedOn(descriptor));
  if (passedOn.length === 0) return [];
  nothing ??= openSync('/dev/null', 'r+');
  const places: (number | null)[] = Array.from(
    { length: Math.max(...passedOn) + 1 - from },
    () => null,
  );
  for (const descriptor of passedOn) places[descriptor - from] = nothing;
  return places;
}
