import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ENVIRONMENT, OTHER_VARIABLES } from '../../config/environment.ts';
import { MALLOC_SETTINGS } from '../../cli/up/malloc.ts';
import { TUNED_DYNAMIC_CONFIG } from '../../servers/dev-server.ts';
import { composeFile, healthUrl, ownServices, service } from './compose-file.ts';

const services = Object.entries(composeFile().services);

describe('every service of the compose file', () => {
  test('waits only for services that exist and can reach the awaited condition', () => {
    for (const [name, { depends_on: awaited }] of services)
      for (const [other, { condition }] of Object.entries(awaited)) {
        const where = `${name} waits for ${other}`;
        const target = composeFile().services[other];
        expect(target, where).toBeDefined();
        if (condition === 'service_healthy') expect(target?.healthcheck?.test, where).toBeDefined();
        if (condition === 'service_completed_successfully')
          expect(target?.restart, where).toMatch(/^on-failure/);
      }
  });

  test('runs a pinned image', () => {
    for (const [name, { image }] of services) expect(image, name).toMatch(/:\d+(\.\d+){0,2}$/);
  });

  test('publishes ports on loopback only', () => {
    for (const [name, { ports }] of services)
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('mounts only files that are in the repository, and volumes that are declared', () => {
    const declared = Object.keys(composeFile().volumes);
    for (const [name, { volumes }] of services)
      for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
        const known = source.startsWith('./') ? existsSync(source) : declared.includes(source);
        expect(known, `${name}: ${source}`).toBe(true);
      }
  });

  test('uses only secrets that are declared', () => {
    for (const [name, { secrets }] of services)
      for (const secret of secrets) expect(composeFile().secrets, name).toHaveProperty(secret);
  });
});

describe("Perdure's own services", () => {
  test('set only variables that config/ knows', () => {
    const known = [...ENVIRONMENT.map(({ name }) => name), ...Object.keys(OTHER_VARIABLES)];
    for (const [name, { environment }] of ownServices())
      for (const variable of Object.keys(environment)) expect(known, name).toContain(variable);
  });

  test('are an API, two workers, and a migration that both wait for', () => {
    expect(ownServices().map(([name]) => name)).toEqual(['migrate', 'api', 'worker']);
    expect(service('worker').deploy?.replicas).toBe(2);
    for (const name of ['api', 'worker'])
      expect(service(name).depends_on).toEqual({
        migrate: { condition: 'service_completed_successfully' },
      });
  });

  test('run commands that the program has', () => {
    for (const [name, { command }] of ownServices()) {
      const { status, stdout } = spawnSync('node', ['cli/main.ts', ...command, '--help'], {
        encoding: 'utf8',
      });
      expect(status, name).toBe(0);
      expect(stdout, name).toContain(`perdure ${command.join(' ')}`);
    }
  });

  test('are asked for their health on the port that they are told to serve it on', () => {
    const port = (name: string) => healthUrl(service(name))?.port;
    expect(port('api')).toBe(service('api').environment['PERDURE_API_PORT']);
    expect(port('worker')).toBe(service('worker').environment['PERDURE_WORKER_HEALTH_PORT']);
  });

  test('read the first key from the secret that is mounted', () => {
    const { environment, secrets } = service('api');
    expect(environment['PERDURE_BOOTSTRAP_KEY_FILE']).toBe(`/run/secrets/${secrets[0]}`);
  });

  test('reach the journal as the user and database that the postgres service creates', () => {
    const created = service('postgres').environment;
    const url = service('worker').environment['PERDURE_DATABASE_URL'] ?? '';
    expect(url).toMatch(/^postgres:\/\/perdure:\$\{POSTGRES_PASSWORD:.*\}@postgres:5432\/perdure$/);
    expect(created).toMatchObject({ POSTGRES_USER: 'perdure', POSTGRES_DB: 'perdure' });
  });
});

describe('the Temporal server of the fleet', () => {
  test('has the same dynamic settings as the embedded one', () => {
    const file = readFileSync('deploy/temporal/dynamicconfig/perdure.yaml', 'utf8');
    const values = parse(file) as Record<string, { value: unknown }[]>;
    const flat = Object.fromEntries(
      Object.entries(values).map(([key, [first]]) => [key, first?.value]),
    );
    expect(flat).toEqual(TUNED_DYNAMIC_CONFIG);
  });

  test('is told to read the file that is mounted', () => {
    const { environment, volumes } = service('temporal');
    const folder = volumes[0]?.split(':')[1];
    expect(`/etc/temporal/${environment['DYNAMIC_CONFIG_FILE_PATH']}`).toBe(
      `${folder}/perdure.yaml`,
    );
  });

  test('and the namespace that is created are those that our processes use', () => {
    const created = service('temporal-namespace').environment['TEMPORAL_NAMESPACE'];
    for (const [name, { environment }] of ownServices()) {
      expect(environment['TEMPORAL_NAMESPACE'], name).toBe(created);
      expect(environment['TEMPORAL_ADDRESS'], name).toBe('temporal:7233');
    }
  });
});

describe('the image', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8');

  test('has the Node that the package installs everywhere else', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(dockerfile).toContain(`FROM node:${dependencies['node']}-`);
  });

  test('keeps memory as the embedded processes do', () => {
    for (const [name, value] of Object.entries(MALLOC_SETTINGS))
      expect(dockerfile).toMatch(new RegExp(`^(ENV|   ) ${name}=${value}( \\\\)?$`, 'm'));
  });

  test('does not run as root, and starts the program that exists', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    const entry = /^ENTRYPOINT (.+)$/m.exec(dockerfile)?.[1] ?? '[]';
    expect(existsSync((JSON.parse(entry) as string[])[1] ?? '')).toBe(true);
  });

  test('leaves out nothing that the processes need', () => {
    const ignored = readFileSync('.dockerignore', 'utf8').split('\n');
    const needed = [
      'activities',
      'api',
      'cli',
      'config',
      'contracts',
      'deploy',
      'journal',
      'worker',
    ];
    for (const room of [...needed, 'workflows', 'telemetry', 'servers', 'client'])
      expect(ignored).not.toContain(room);
  });
});

test('Docker reads the compose file, where Docker is there to ask', () => {
  if (spawnSync('docker', ['compose', 'version']).status !== 0) return;
  const { status, stderr } = spawnSync('docker', ['compose', 'config', '--quiet'], {
    env: { ...process.env, POSTGRES_PASSWORD: 'test' },
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
