import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './cache.ts';
import { firstThatWorks } from './chain.ts';
import type { Link } from './chain.ts';
import { inCache, makeAndKeep } from './kept-program.ts';
import type { KeptProgram } from './kept-program.ts';
import { officialDownload } from './official-download.ts';
import { run, runOrThrow } from './run.ts';
import type { FindOptions } from './temporal-cli.ts';
import { atLeast, parseVersion } from './version.ts';

export const TEST_SERVER_VERSION = '1.31.0';
const OLDEST_JAVA = [17] as const;

const PROGRAM = 'temporal-test-server';

/** What the SDK passes on is a port; the folder is found from the script, so that the cache can be moved. */
const LAUNCHER = `#!/bin/sh
exec java -cp "$(dirname "$0")/jars/*" io.temporal.testserver.TestServer "$@"
`;

/**
 * The path of Temporal's time-skipping test server, fetched when there is none.
 *
 * @throws {ServerNotFound} naming everything that was tried and what a person can do.
 */
export async function findTestServer(options: FindOptions = {}): Promise<string> {
  const env = options.env ?? process.env;
  const report = options.report ?? (() => {});
  const name = `temporal-test-server-${TEST_SERVER_VERSION}`;
  const kept = { name, program: PROGRAM, env, report };
  return firstThatWorks({
    program: 'Temporal test server',
    report,
    links: [
      ...(env['TEMPORAL_TEST_SERVER_PATH'] ? [given(env['TEMPORAL_TEST_SERVER_PATH'])] : []),
      inCache(kept),
      officialDownload(kept, {
        what: 'Downloading the Temporal test server',
        version: TEST_SERVER_VERSION,
        start: (environment, executable) =>
          environment.createTimeSkipping({ server: { executable } }),
      }),
      maven(kept),
    ],
    remedies: [
      'install Java 17 or newer and Maven, with which the server is fetched once',
      'download a Temporal test server and set TEMPORAL_TEST_SERVER_PATH',
    ],
  });
}

function given(path: string): Link {
  return {
    tried: `TEMPORAL_TEST_SERVER_PATH=${path}`,
    find: async () => ((await exists(path)) ? { path } : { reason: 'no such file' }),
  };
}

function maven(kept: KeptProgram): Link {
  const what = `Fetching the Temporal test server ${TEST_SERVER_VERSION} with Maven (33 MB, about a minute, once)`;
  const build = (folder: string) => fetchJars(folder, kept.env);
  return {
    tried: 'Java with Maven',
    slow: true,
    find: async () => {
      const reason = await whyNoMaven(kept.env);
      return reason ? { reason } : makeAndKeep(kept, { what, build });
    },
  };
}

async function whyNoMaven(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const java = await run('java', ['-version'], { env });
  const version = java.code === 0 ? parseVersion(java.output) : undefined;
  if (!version) return 'Java is not on PATH';
  if (!atLeast(version, OLDEST_JAVA)) return `Java is ${version.join('.')}, 17 or newer is needed`;
  if ((await run('mvn', ['--version'], { env })).code !== 0) return 'Maven (mvn) is not on PATH';
  return undefined;
}

async function fetchJars(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const pom = join(folder, 'pom.xml');
  await writeFile(pom, POM);
  const goal = [
    'dependency:copy-dependencies',
    `-DoutputDirectory=${join(folder, 'jars')}`,
    '-DincludeScope=runtime',
  ];
  await runOrThrow('mvn', ['-q', '-B', '-f', pom, ...goal], { cwd: folder, env });
  await writeFile(join(folder, PROGRAM), LAUNCHER);
  await chmod(join(folder, PROGRAM), 0o755);
}

const POM = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>perdure</groupId>
  <artifactId>test-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${TEST_SERVER_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
