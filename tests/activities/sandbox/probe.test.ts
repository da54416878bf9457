import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  mendFor,
  requireSandbox,
  sandboxProblem,
} from '../../../activities/tools/sandbox/probe.ts';
import { openWorkdir } from './sandboxed.ts';

describe('a machine', () => {
  it('that has sandboxes lets programs run', async () => {
    expect(await sandboxProblem()).toBeUndefined();
    await expect(requireSandbox()).resolves.toBeUndefined();
  });

  // The inside of a sandbox is such a machine: no namespaces are to be had in there.
  it('that has none refuses to run anything, and says why and what to do', async () => {
    await using folder = await openWorkdir();
    const clone = path.resolve('.');
    const script = `
      import { requireSandbox, sandboxProblem } from '${clone}/activities/tools/sandbox/probe.ts';
      console.log(JSON.stringify([await sandboxProblem(), await requireSandbox().catch((error) => error.toInfo())]));
    `;
    const { out, err } = await folder.run(
      `${process.execPath} --input-type=module-typescript -e "${script}"`,
      { readOnly: [clone] },
    );
    expect(err).not.toContain('SyntaxError');
    const [problem, refusal] = JSON.parse(out) as [
      { reason: string; mend: string },
      { code: string; message: string },
    ];
    expect(problem.reason).not.toBe('');
    expect(problem.mend).toContain('docs/built-in-tools.md');
    expect(refusal.code).toBe('tool_denied');
    expect(refusal.message).toContain(problem.reason);
    expect(refusal.message).toContain(problem.mend);
  });
});

describe('run_command on a machine without sandboxes', () => {
  it('runs nothing, and tells the model why and what a person may do', async () => {
    await using folder = await openWorkdir();
    const clone = path.resolve('.');
    const script = `
      import { builtInTools } from '${clone}/activities/tools/built-in.ts';
      import { TIME_LIMITS } from '${clone}/contracts/limits.ts';
      const tools = builtInTools({ home: '/nowhere', timeouts: TIME_LIMITS });
      const run = { sessionId: 's', callId: 'c', name: 'run_command', input: { command: 'touch ran' }, workspace: process.cwd(), signal: new AbortController().signal, progress() {} };
      const tool = tools.find(({ name }) => name === 'run_command');
      console.log(JSON.stringify(await tool.execute(run).catch((error) => error.toInfo?.() ?? error.stack)));
    `;
    const { out } = await folder.run(
      `${process.execPath} --input-type=module-typescript -e "${script}"`,
      { readOnly: [clone] },
    );
    expect(JSON.parse(out)).toMatchObject({
      code: 'tool_denied',
      message: expect.stringMatching(/^No program runs without a sandbox, .*"Getting a sandbox"/),
    });
    expect(await readdir(folder.workdir)).toEqual([]);
  });
});

describe('what a person is told to do', () => {
  const plain = { restricted: false, container: false };
  const ubuntu = { ...plain, restricted: true };
  const docker = { restricted: true, container: true };
  // As bubblewrap and the shell say it.
  it.each([
    ['sh: 1: exec: bwrap: not found', plain, 'apt-get install bubblewrap'],
    ['nice: ‘choom’: No such file or directory', plain, 'util-linux'],
    // 0.6 of Ubuntu 22.04.
    ['bwrap: Unknown option --disable-userns', ubuntu, '0.8 or later'],
    ['bwrap: setting up uid map: Permission denied', ubuntu, 'load a profile'],
    ['bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted', ubuntu, 'load a profile'],
    [
      'bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.',
      docker,
      'in a container',
    ],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", docker, 'in a container'],
    [
      'bwrap: Creating new namespace failed: No space left on device',
      plain,
      'Allow user namespaces',
    ],
    ['bwrap: something else', plain, 'says what it needs'],
  ])('%s', (reason, surroundings, words) => {
    const mend = mendFor(reason, surroundings);
    expect(mend).toContain(words);
    if (!mend.startsWith('Install')) expect(mend).toContain('"Getting a sandbox"');
  });

  it('stands under its headline in the docs', () => {
    const page = readFileSync('docs/built-in-tools.md', 'utf8');
    const [, section = ''] = page.split('### Getting a sandbox\n');
    for (const name of ['Ubuntu 24.04', 'bwrap-userns-restrict', 'Docker', 'Kubernetes'])
      expect(section).toContain(name);
  });
});
