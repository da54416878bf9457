/** The floor of programs: a bare child process behind bare activities. No sandbox, no directory, no journal. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { clock } from '../model/script.ts';
import type { FloorTimes, FloorTurn } from './activities.ts';

export interface FloorProgramActivities {
  startShell(id: string): Promise<void>;
  askShell(shell: string, turn: FloorTurn): Promise<void>;
  endShell(id: string): Promise<void>;
}

export function createFloorPrograms(report: (times: FloorTimes) => void): FloorProgramActivities {
  const shells = new Map<string, ChildProcessWithoutNullStreams>();
  return {
    startShell(id) {
      shells.set(id, spawn('bash', ['--noprofile', '--norc'], { env: {} }));
      report({ id, firstTokenAt: 0, doneAt: clock(), characters: 0 });
      return Promise.resolve();
    },
    async askShell(shell, { id, text }) {
      const child = shells.get(shell);
      if (!child) throw new Error('no such shell');
      let said = '';
      await new Promise<void>((resolve) => {
        const hear = (chunk: Buffer): void => {
          said += chunk.toString();
          if (!said.includes(id)) return;
          child.stdout.off('data', hear);
          resolve();
        };
        child.stdout.on('data', hear);
        child.stdin.write(`${text}\nprintf '\\n%s\\n' ${id}\n`);
      });
      report({ id, firstTokenAt: 0, doneAt: clock(), characters: said.length });
    },
    endShell(id) {
      shells.get(id)?.kill('SIGKILL');
      shells.delete(id);
      return Promise.resolve();
    },
  };
}
