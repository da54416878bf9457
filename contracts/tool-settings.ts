/** Settings of the built-in tools, as perdure.yaml describes them. zod at run time: not for workflows. */
import { z } from 'zod';
import { environmentName } from './environment-name.ts';

const count = (most: number) => z.number().int().min(1).max(most);
const megabytes = count(1_048_576);

const absolutePath = z.string().regex(/^\/./, 'expected an absolute path');

export const sandboxSchema = z.strictObject({
  network: z
    .boolean()
    .default(false)
    .describe(
      "Whether commands reach the network: the worker's own, with what listens on its loopback.",
    ),
  memoryMb: megabytes
    .default(2_048)
    .describe('Memory of one process, and of all processes of a command together, MiB.'),
  processes: count(100_000)
    .default(256)
    .describe('Processes and threads of a command at once; more are refused by the kernel.'),
  fileMb: megabytes.default(1_024).describe('Largest file that a command may write, MiB.'),
  temporaryMb: megabytes
    .default(256)
    .describe('Space in /tmp of a command, which lies in memory, MiB.'),
  cpuSeconds: count(86_400)
    .default(1_800)
    .describe('Processor time of one process of a command, seconds.'),
  openFiles: count(1_048_576).default(1_024).describe('Open files of one process of a command.'),
  environment: z
    .array(environmentName)
    .default([])
    .describe(
      "Names of the worker's environment variables that commands see. No key of a provider and nothing of Perdure's own.",
    ),
  readOnly: z
    .array(absolutePath)
    .default([])
    .describe('Further folders that commands may read, such as a toolchain under /opt.'),
});
/** Limits of what `run_command` starts. */
export type SandboxSettings = z.output<typeof sandboxSchema>;

const host = z
  .string()
  .regex(/^(\*\.)?[a-zA-Z0-9.:_-]+$/, 'expected a host name, or "*.example.com" for all below it');

export const fetchSchema = z.strictObject({
  allowHosts: z
    .array(host)
    .default([])
    .describe(
      'Hosts that may be fetched, `*.example.com` for all below one; every one when empty.',
    ),
  denyHosts: z.array(host).default([]).describe('Hosts that are never fetched.'),
  privateHosts: z
    .array(z.string().regex(/^(\*\.)?[a-zA-Z0-9./:_-]+$/, 'expected a host, an address or a block'))
    .default([])
    .describe(
      'Hosts, addresses or blocks of addresses (`10.1.0.0/16`) that may be fetched although they are private.',
    ),
  ports: z.array(count(65_535)).min(1).default([80, 443]).describe('Ports that may be fetched.'),
  maxBytes: count(16 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Bytes that are read of an answer, after unpacking; the rest is left out.'),
  headersMs: count(600_000)
    .default(15_000)
    .describe("From the request to the end of the answer's headers, milliseconds."),
  totalMs: count(600_000)
    .default(60_000)
    .describe('Of one call with all its redirects, milliseconds.'),
});
/** What `fetch_url` may fetch. */
export type FetchSettings = z.output<typeof fetchSchema>;
