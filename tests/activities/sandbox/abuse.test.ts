import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openCommander } from '../command/commander.ts';
import { openWorkdir } from './sandboxed.ts';
import type { Workdir } from './sandboxed.ts';

/** Command lines of all processes of this machine that hold a mark. */
async function marked(mark: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(mark));
}

const gone = (mark: string) =>
  expect.poll(() => marked(mark), { timeout: 20_000, interval: 50 }).toEqual([]);

const uniqueSeconds = (): string => `9${process.pid}${Math.floor(Math.random() * 1_000_000)}`;

describe('a command that is up to no good', () => {
  it('reads nothing outside its workspace, by whatever name', async () => {
    await using commander = await openCommander({ files: { 'a.txt': 'mine' } });
    const { workspace, outside } = commander.folder;
    await mkdir(`${workspace}-evil`);
    await writeFile(path.join(`${workspace}-evil`, 'secret.txt'), 'TOP SECRET');
    await symlink('../outside/secret.txt', path.join(workspace, 'link'));
    const names = [
      `${outside}/secret.txt`,
      '../outside/secret.txt',
      '../work-evil/secret.txt',
      'link',
      `/proc/self/root${outside}/secret.txt`,
      `/proc/1/root${outside}/secret.txt`,
      `/proc/1/cwd/../outside/secret.txt`,
      '/etc/shadow',
      '/root/.bashrc',
      '/var/log/dpkg.log',
      path.resolve('package.json'),
    ];
    for (const name of names) {
      const said = await commander.run(`cat '${name}'`);
      expect(said).toMatch(/(No such file|Permission denied).*\n\[exit code 1\]$/);
    }
    expect(
      await commander.run(`ln ${outside}/secret.txt hard; ln -f /etc/passwd hard; ls`),
    ).toMatch(/a.txt\nlink\n/);
    expect(await commander.run('ls / /root /home /var 2>&1')).not.toMatch(
      /^(root|home|var|work)$/m,
    );
  });

  it('writes nothing but its workspace', async () => {
    await using commander = await openCommander();
    const places = ['/', '/usr/', '/etc/', '/dev/', '/proc/self/oom_score_adj'];
    for (const place of places) {
      const said = await commander.run(
        `echo evil > ${place.endsWith('/') ? `${place}evil` : place}`,
      );
      expect(said).toMatch(/Read-only file system|Permission denied/);
    }
    // What stands there already: should it be writable one day, the machine takes no harm.
    const kernel = '/proc/sys/kernel/core_pattern';
    expect(await commander.run(`value=$(cat ${kernel}); echo "$value" > ${kernel}`)).toMatch(
      /Read-only file system|Permission denied/,
    );
    // The parents of the workspace are in memory there, and nobody else's.
    await commander.run('echo evil > ../evil; echo evil > ../outside; mkdir -p /tmp/outside');
    expect(await readdir(path.dirname(commander.folder.workspace))).toEqual(['outside', 'work']);
    const mounting =
      'mount -t tmpfs x /usr; mount -o remount,rw /usr; unshare -Ur id; mknod d b 8 0; chroot / id';
    const said = await commander.run(`${mounting}; touch /usr/evil`);
    expect(said).not.toContain('uid=0');
    expect(said).toMatch(/\[exit code 1\]$/);
  });

  it('sees neither the data folder nor its files, and cannot remove it', async () => {
    await using commander = await openCommander({ files: { '.perdure/journal.db': 'JOURNAL' } });
    const said = await commander.run(
      'ls -A .perdure; cat .perdure/journal.db; rm -rf .perdure; mv .perdure gone; echo x > .perdure/x; grep -r JOURNAL .',
    );
    expect(said).not.toContain('JOURNAL\n');
    expect(said).toMatch(/\[exit code 1\]$/);
    expect(await readFile(path.join(commander.folder.home, 'journal.db'), 'utf8')).toBe('JOURNAL');
    expect(await readdir(commander.folder.home)).toEqual(['journal.db']);
  });

  it('sees no environment, no process and no key of the worker', async () => {
    process.env['OPENROUTER_API_KEY'] = 'sk-very-secret';
    try {
      await using commander = await openCommander();
      const said = await commander.run(
        'env; cat /proc/*/environ | tr "\\0" "\\n"; ps ax -o args; cat /proc/keys; ls /proc/1/fd /proc/self/fd',
      );
      expect(said).not.toContain('sk-very-secret');
      expect(said).not.toContain('vitest');
    } finally {
      delete process.env['OPENROUTER_API_KEY'];
    }
  });

  it('reaches no network, not even the loopback of the worker, unless it is allowed to', async () => {
    const server = createServer((_, response) => response.end('reached'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ask = `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3`;
    await using closed = await openCommander();
    expect(await closed.run(ask)).toContain('Connection refused');
    expect(await closed.run('cat /proc/net/dev | tail -n +3 | cut -d: -f1')).toBe(
      '    lo\n[exit code 0]',
    );
    await using open = await openCommander({ sandbox: { network: true } });
    expect(await open.run(ask)).toContain('reached');
    server.close();
  });

  it('inherits no folder that whoever started the worker holds open', async () => {
    await using folder = await openWorkdir();
    const script = 'cd /proc/self/fd; for fd in *; do readlink $fd; done; ls 200/work 200/root';
    const worker = startWorker(folder, script, 'exec 200</;');
    const said = (await text(worker.stdout)).split('\n');
    expect(said).toContain('/dev/null');
    expect(said).not.toContain('/');
    expect(said).toHaveLength(said.filter((line) => /^(\/|socket|pipe|anon|$)/.test(line)).length);
  });

  it('that forks without end is stopped by the kernel, and the machine lives', async () => {
    await using commander = await openCommander({ sandbox: { processes: 64 } });
    const mark = uniqueSeconds();
    const bomb = commander.run(`bomb() { bomb | bomb & sleep ${mark}; }; bomb`, {
      timeoutSeconds: 3,
    });
    let most = 0;
    const watching = setInterval(
      () => void marked(mark).then((found) => (most = Math.max(most, found.length))),
      100,
    );
    const said = await bomb;
    clearInterval(watching);
    expect(said).toMatch(/Resource temporarily unavailable|Cannot fork/);
    // Bubblewrap's two, and the chain before it, hold the command too.
    expect(most).toBeLessThanOrEqual(64 + 4);
    await gone(mark);
  });

  it('that takes memory without end is ended, in one process or in many', async () => {
    await using commander = await openCommander({ sandbox: { memoryMb: 128 } });
    expect(await commander.run(`python3 -c 'x = bytearray(1 << 30)'`)).toContain('MemoryError');
    const many = `import os,time\nfor i in range(40): os.fork() or (globals().update(x=bytearray(30 << 20)), time.sleep(1000))\ntime.sleep(1000)`;
    expect(await commander.run(`python3 -c '${many}'`)).toMatch(/more than 128 MiB of memory\]$/);
  });

  it('that fills /tmp or a file gets no more than its share', async () => {
    await using commander = await openCommander({ sandbox: { temporaryMb: 4, fileMb: 8 } });
    expect(await commander.run('head -c 32M /dev/zero > /tmp/x')).toContain('No space left');
    expect(await commander.run('head -c 32M /dev/zero > /dev/shm/x')).toContain('No space left');
    const said = await commander.run('head -c 32M /dev/zero > x; stat -c %s x');
    expect(said).toMatch(/\n8388608\n\[exit code 0\]$/);
  });

  it('that burns the processor is ended by its own limit', async () => {
    await using commander = await openCommander({ sandbox: { cpuSeconds: 1 } });
    expect(await commander.run('while :; do :; done')).toMatch(/\[exit code 137\]$/);
  });
});

/** A process that starts one sandbox and shows what it says. */
function startWorker({ workdir }: Workdir, script: string, before = '') {
  const at = (name: string): string => path.resolve('activities/tools/sandbox', name);
  const worker = `
    import { startSandboxed } from '${at('start.ts')}';
    import { DEFAULT_SANDBOX_LIMITS, sandboxEnvironment } from '${at('spec.ts')}';
    const sandbox = startSandboxed({
      command: ['bash', '-c', ${JSON.stringify(script)}],
      workdir: ${JSON.stringify(workdir)},
      environment: sandboxEnvironment(), network: false, limits: DEFAULT_SANDBOX_LIMITS,
    });
    sandbox.stderr.resume();
    sandbox.stdout.pipe(process.stdout);
  `;
  const node = [process.execPath, '--input-type=module-typescript', '-e', worker];
  const child = spawn('bash', ['-c', `${before} exec "$@"`, 'bash', ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { stdout: child.stdout, kill: () => child.kill('SIGKILL') };
}

describe('nothing outlives', () => {
  const daemons = (mark: string): string =>
    `setsid sleep ${mark} & nohup sleep ${mark} >/dev/null 2>&1 & (sleep ${mark} &) ; disown -a`;

  it('a command that ends, its daemons included', async () => {
    await using commander = await openCommander();
    const mark = uniqueSeconds();
    expect(await commander.run(`${daemons(mark)}; echo done`)).toMatch(/done\n\[exit code 0\]$/);
    await gone(mark);
  });

  it('a command that is ended at its time limit', async () => {
    await using commander = await openCommander();
    const mark = uniqueSeconds();
    await commander.run(`${daemons(mark)}; trap "" TERM INT HUP; sleep ${mark}`, {
      timeoutSeconds: 1,
    });
    await gone(mark);
  });

  it('a worker that is killed', async () => {
    await using folder = await openWorkdir();
    const mark = uniqueSeconds();
    const child = startWorker(
      folder,
      `${daemons(mark)}; echo up; trap "" TERM; while :; do sleep ${mark}; done`,
    );
    await once(child.stdout, 'data');
    expect((await marked(mark)).length).toBeGreaterThan(3);
    child.kill();
    await gone(mark);
  });

  it('the one who let go of it', async () => {
    await using folder = await openWorkdir();
    const mark = uniqueSeconds();
    {
      await using sandbox = folder.start(`${daemons(mark)}; echo up; sleep ${mark}`);
      await once(sandbox.stdout, 'data');
    }
    await gone(mark);
  });

  it('a sandbox that is killed while it starts', async () => {
    await using folder = await openWorkdir();
    const mark = uniqueSeconds();
    const killed = Array.from({ length: 40 }, async (_, n) => {
      const sandbox = folder.start(`sleep ${mark}`);
      await sleep(n);
      await sandbox[Symbol.asyncDispose]();
      return sandbox.ended;
    });
    for (const end of await Promise.all(killed))
      expect(end).toEqual({ how: 'killed', why: 'asked' });
    await gone(mark);
  });

  it('a sandbox of which nobody reads the output', async () => {
    await using folder = await openWorkdir();
    const mark = uniqueSeconds();
    const sandbox = folder.start(`echo ${'x'.repeat(100)}; sleep ${mark}`);
    await expect.poll(() => marked(mark)).not.toEqual([]);
    await sandbox[Symbol.asyncDispose]();
    await gone(mark);
  });
});

describe('hard links', () => {
  it('of the data folder that somebody put into a workspace are not hidden by the sandbox: docs/tools.md says so', async () => {
    await using commander = await openCommander({ files: { '.perdure/journal.db': 'JOURNAL' } });
    const { workspace, home } = commander.folder;
    await link(path.join(home, 'journal.db'), path.join(workspace, 'second-name'));
    expect(await commander.run('cat second-name')).toBe('JOURNAL\n[exit code 0]');
  });
});
