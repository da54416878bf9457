/** Why a file or a folder cannot be used, in words for a person. Pure. */

/** By the system's code (errno), which Node puts into `code`. */
const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'there is no space left on its disk; make room there',
  EDQUOT: 'its disk quota is used up; make room there',
  EROFS: 'its disk is read-only; make it writable',
  EACCES: 'this user may not write there; change its permissions',
  EPERM: 'this user may not write there; change its permissions',
  ENOTDIR: 'a part of its path is a file, not a folder; move that file away',
  EEXIST: 'a file has its name, and a folder is needed; move that file away',
  EISDIR: 'a folder has its name, and a file is needed; move that folder away',
  ENOENT: 'its path does not exist and cannot be made there; create it',
  ELOOP: 'its path leads in a circle; correct its links',
  ENAMETOOLONG: 'its path is too long; shorten it',
  EIO: 'its disk fails; look into the log of the system',
};

/** SQLite's primary result codes (https://sqlite.org/rescode.html) that mean one of these. */
const OF_SQLITE: Readonly<Record<number, string>> = { 8: 'EROFS', 13: 'ENOSPC' };

/**
 * What is wrong, and what to do about it: the end of a sentence that names the path.
 * @param error of `node:fs` or `node:sqlite`; what is not known here keeps its own words
 */
export function fileProblem(error: unknown): string {
  const { code, errcode, message } = error as {
    readonly code?: string;
    readonly errcode?: number;
    readonly message: string;
  };
  const known = errcode === undefined ? code : OF_SQLITE[errcode & 0xff];
  return WORDS[known ?? ''] ?? message;
}
