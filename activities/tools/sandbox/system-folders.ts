/** What of this machine a sandbox shows, read-only: programs, libraries and the few files under /etc that they need. No home, no /run, no /var. */
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOTS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Not /etc/ssl/private, not the password hashes. */
const ETC = [
  'alternatives',
  'ca-certificates',
  'crypto-policies',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'pki/ca-trust',
  'pki/tls/certs',
  'protocols',
  'services',
  'ssl/cert.pem',
  'ssl/certs',
  'ssl/openssl.cnf',
];

/** Of ours instead of the machine's, which would tell its users and names. */
const OWN_ETC = fileURLToPath(new URL('etc/', import.meta.url));
const OWN = ['group', 'nsswitch.conf', 'passwd'];

/** The kernel's own files that a process of the same user id as root may read: memory addresses, keys. */
const MASKED_FILES = [
  'kcore',
  'key-users',
  'keys',
  'kpagecgroup',
  'kpagecount',
  'kpageflags',
  'slabinfo',
  'timer_list',
  'vmallocinfo',
];
const MASKED_FOLDERS = ['acpi', 'asound', 'driver', 'fs', 'scsi'];

const shown = (folder: string): string[] =>
  lstatSync(folder).isSymbolicLink()
    ? ['--symlink', readlinkSync(folder), folder]
    : ['--ro-bind', folder, folder];

const readOnly = (from: string, to = from): string[] => ['--ro-bind', from, to];

export const systemFolders = (): string[] => [
  ...ROOTS.filter((folder) => existsSync(folder)).flatMap(shown),
  ...ETC.map((name) => path.join('/etc', name))
    .filter((file) => existsSync(file))
    .flatMap((file) => readOnly(realpathSync(file), file)),
  ...OWN.flatMap((name) => readOnly(path.join(OWN_ETC, name), path.join('/etc', name))),
];

/** Names of other machines are of use only with a network. */
export function nameLookup(network: boolean): string[] {
  if (!network) return readOnly(path.join(OWN_ETC, 'hosts'), '/etc/hosts');
  return ['/etc/hosts', '/etc/resolv.conf']
    .filter((file) => existsSync(file))
    .flatMap((file) => readOnly(realpathSync(file), file));
}

/**
 * Read-only as a whole: a worker that is root is the owner of /proc/sys in there, whatever the namespaces, and bubblewrap 0.8 leaves it writable
 * (tried: core_pattern could be set, which runs a program outside).
 */
export const processFolder = (): string[] => [
  '--proc',
  '/proc',
  ...MASKED_FILES.map((name) => `/proc/${name}`)
    .filter((file) => existsSync(file))
    .flatMap((file) => readOnly('/dev/null', file)),
  ...MASKED_FOLDERS.map((name) => `/proc/${name}`)
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => ['--tmpfs', folder, '--remount-ro', folder]),
  '--remount-ro',
  '/proc',
];

/** A workdir that is or holds one of these would make writable what must not be. */
export const UNBINDABLE = [...ROOTS, '/dev', '/etc', '/proc', '/run', '/sys', '/var'];
