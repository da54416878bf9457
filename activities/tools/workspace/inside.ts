import path from 'node:path';

/** Of two real paths. */
export const isInside = (folder: string, absolute: string): boolean =>
  absolute === folder ||
  absolute.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
