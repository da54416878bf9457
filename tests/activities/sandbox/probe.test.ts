import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireSandbox, sandboxProblem } from '../../../activities/tools/sandbox/probe.ts';
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
