/** Checks that need more than one setting: names that must exist, and figures that must fit together. */
import type { TimeLimits } from '../contracts/limits.ts';
import { BUILT_IN_TOOLS } from '../contracts/settings.ts';
import { checkCredentials, checkUses } from './credentials.ts';
import { checkMcpServers } from './mcp-servers.ts';
import { nearest } from './nearest.ts';
import { checkPrograms, describedPrograms, programNames } from './programs.ts';
import type { PathProblem } from './problems.ts';
import { shown } from './problems.ts';
import { checkSandbox } from './sandbox.ts';
import type { FileSettings } from './schema.ts';

/** What exists, by its name. */
export type Names = Readonly<
  Record<'providers' | 'models' | 'agents' | 'credentials', readonly string[]>
>;
type Check = (settings: FileSettings, names: Names) => readonly PathProblem[];
type Path = readonly (string | number)[];

function reference(
  path: Path,
  name: string | undefined,
  target: { kind: string; names: readonly string[] },
): PathProblem[] {
  if (name === undefined || target.names.includes(name)) return [];
  const meant = nearest(name, target.names);
  const hint = meant ? `did you mean "${meant}"; ` : '';
  const message = `is ${shown(name, [])}, but there is no such ${target.kind}; ${hint}known: ${target.names.join(', ')}`;
  return [{ path, message }];
}

const checkModels: Check = ({ models }, { providers }) =>
  Object.entries(models).flatMap(([name, model]) => [
    ...reference(['models', name, 'provider'], model.provider, {
      kind: 'provider',
      names: providers,
    }),
    ...(model.maxOutputTokens < model.contextTokens
      ? []
      : [
          {
            path: ['models', name, 'maxOutputTokens'],
            message: `is ${model.maxOutputTokens}; expected less than contextTokens (${model.contextTokens}), which the answer is part of`,
          },
        ]),
  ]);

const checkProviders: Check = ({ providers }, { credentials }) =>
  Object.entries(providers).flatMap(([name, { kind, baseUrl, credential }]) => [
    ...(kind === 'openai-compatible' && baseUrl === undefined
      ? [
          {
            path: ['providers', name, 'baseUrl'],
            message: 'is missing; an openai-compatible provider needs one',
          },
        ]
      : []),
    ...reference(['providers', name, 'credential'], credential, {
      kind: 'credential',
      names: credentials,
    }),
  ]);

const checkCredentialProviders: Check = ({ credentials }, { providers }) =>
  Object.entries(credentials).flatMap(([name, { provider }]) =>
    reference(['credentials', name, 'provider'], provider, {
      kind: 'provider',
      names: providers,
    }),
  );

const checkAgents: Check = ({ agents }, { models }) => {
  const target = { kind: 'model', names: models };
  return Object.entries(agents).flatMap(([name, agent]) => {
    const path = ['agents', name];
    return [
      ...reference([...path, 'model'], agent.model, target),
      ...agent.fallbackModels.flatMap((model, index) =>
        reference([...path, 'fallbackModels', index], model, target),
      ),
      ...checkToolNames(path, agent),
      ...checkApprovals(path, agent),
    ];
  });
};

/** A misspelt name would leave a call unasked. One that is like no other may be of a runner, or declared by a session. */
function checkApprovals(path: Path, agent: FileSettings['agents'][string]): PathProblem[] {
  const known = [...agent.tools, ...agent.clientTools.map(({ name }) => name)];
  return Object.keys(agent.approvals ?? {}).flatMap((name) => {
    if (
      known.some(
        (tool) => tool === name || (tool.endsWith('*') && name.startsWith(tool.slice(0, -1))),
      )
    )
      return [];
    const meant = nearest(name, known);
    const message = `is no tool of this agent; did you mean "${meant}"?`;
    return meant ? [{ path: [...path, 'approvals', name], message }] : [];
  });
}

/** Tools of servers and of a folder are known to the worker only, which looks at these names too. */
const checkToolReferences: Check = ({ agents, toolsFolder }) =>
  Object.entries(agents).flatMap(([name, agent]) =>
    agent.tools.flatMap((tool, index) =>
      toolsFolder !== undefined || tool.includes('__')
        ? []
        : reference(['agents', name, 'tools', index], tool, {
            kind: 'tool',
            names: BUILT_IN_TOOLS,
          }),
    ),
  );

/** What an agent says that a program has no use for would be ignored without a word. */
const checkEngines: Check = ({ agents, cliProviders }) => {
  const programs = describedPrograms(cliProviders);
  const target = { kind: 'program', names: programNames(cliProviders) };
  return Object.entries(agents).flatMap(([name, agent]) => {
    if (!agent.engine) return [];
    const path = ['agents', name];
    const { cli } = agent.engine;
    const useless = (field: string, why: string) => ({
      path: [...path, field],
      message: `has no effect with engine ${cli}: ${why}`,
    });
    const takesNone = programs[cli] && !programs[cli].instructionsArgs;
    return [
      ...reference([...path, 'engine', 'cli'], cli, target),
      ...(agent.model === undefined
        ? []
        : [useless('model', 'the program chooses its model itself')]),
      ...(agent.clientTools.length > 0
        ? [useless('clientTools', 'the program has tools of its own')]
        : []),
      ...(agent.instructions !== '' && takesNone
        ? [useless('instructions', 'it says no instructionsArgs')]
        : []),
    ];
  });
};

const checkProgramCredentials: Check = ({ cliProviders }, { credentials }) =>
  Object.entries(cliProviders).flatMap(([name, { credential }]) =>
    reference(['cliProviders', name, 'credential'], credential, {
      kind: 'credential',
      names: credentials,
    }),
  );

function checkToolNames(path: Path, agent: FileSettings['agents'][string]): PathProblem[] {
  const taken = new Set<string>([...BUILT_IN_TOOLS, ...agent.tools]);
  return agent.clientTools.flatMap((tool, index) => {
    if (!taken.has(tool.name)) {
      taken.add(tool.name);
      return [];
    }
    const message = `is "${tool.name}", a name that another tool of this agent has`;
    return [{ path: [...path, 'clientTools', index, 'name'], message }];
  });
}

const checkDefaults: Check = ({ defaultModel, defaultAgent }, { models, agents }) => [
  ...reference(['defaultModel'], defaultModel, { kind: 'model', names: models }),
  ...reference(['defaultAgent'], defaultAgent, { kind: 'agent', names: agents }),
];

/** Each pair: the first must be below the second, else the first never happens. */
const BELOW: readonly (readonly [keyof TimeLimits, keyof TimeLimits, string])[] = [
  ['sessionWarningMs', 'sessionIdleMs', 'the warning comes before the end'],
  ['sessionWarningMs', 'sessionLifetimeMs', 'the warning comes before the end'],
  ['socketPongMs', 'socketPingMs', 'a pong is due before the next ping'],
  ['heartbeatThrottleMs', 'heartbeatMs', 'a heartbeat must arrive before it is missed'],
  ['toolLeaseMs', 'toolClaimMs', 'a lease is part of the wait for a claim'],
  ['ssePingMs', 'sseMaxAgeMs', 'a stream must live until its first ping'],
];
/** Each pair: the first may equal the second. */
const AT_MOST: readonly (readonly [keyof TimeLimits, keyof TimeLimits, string])[] = [
  ['sessionIdleMs', 'sessionLifetimeMs', 'a session cannot idle longer than it lives'],
  ['commandMs', 'commandMaxMs', 'the default is one of the allowed values'],
  ['modelFirstTokenMs', 'modelAttemptMs', 'it is part of the attempt'],
  ['modelSilenceMs', 'modelAttemptMs', 'it is part of the attempt'],
];

const checkTimeouts: Check = ({ timeouts }) => [
  ...BELOW.filter(([low, high]) => timeouts[low] >= timeouts[high]).map(([low, high, why]) => ({
    path: ['timeouts', low],
    message: `is ${timeouts[low]}; expected less than ${high} (${timeouts[high]}): ${why}`,
  })),
  ...AT_MOST.filter(([low, high]) => timeouts[low] > timeouts[high]).map(([low, high, why]) => ({
    path: ['timeouts', low],
    message: `is ${timeouts[low]}; expected at most ${high} (${timeouts[high]}): ${why}`,
  })),
];

const checkConnections: Check = ({ api }) =>
  api.maxConnectionsPerUser > api.maxConnections
    ? [
        {
          path: ['api', 'maxConnectionsPerUser'],
          message: `is ${api.maxConnectionsPerUser}; expected at most api.maxConnections (${api.maxConnections})`,
        },
      ]
    : [];

const checkPorts: Check = ({ api, temporal, worker }) => {
  const seen = new Map<number, string>();
  const ports: readonly (readonly [Path, number | undefined])[] = [
    [['api', 'port'], api.port],
    [['temporal', 'port'], temporal.address === undefined ? temporal.port : undefined],
    [
      ['temporal', 'uiPort'],
      temporal.address === undefined && temporal.ui ? temporal.uiPort : undefined,
    ],
    [['worker', 'healthPort'], worker.healthPort],
  ];
  return ports.flatMap(([path, port]) => {
    if (port === undefined) return [];
    const other = seen.get(port);
    seen.set(port, path.join('.'));
    return other === undefined
      ? []
      : [{ path, message: `is ${port}, which is ${other} too; expected another port` }];
  });
};

const checkJournal: Check = ({ journal }) =>
  journal.url !== undefined && !/^postgres(ql)?:\/\//.test(journal.url)
    ? [{ path: ['journal', 'url'], message: 'is not a postgres:// URL' }]
    : [];

const CHECKS: readonly Check[] = [
  checkProviders,
  checkCredentialProviders,
  checkCredentials,
  checkUses,
  checkModels,
  checkAgents,
  checkToolReferences,
  checkMcpServers,
  checkEngines,
  checkProgramCredentials,
  checkPrograms,
  checkDefaults,
  checkTimeouts,
  checkConnections,
  checkPorts,
  checkJournal,
  checkSandbox,
];

export const checkReferences = (settings: FileSettings, names: Names): readonly PathProblem[] =>
  CHECKS.flatMap((check) => check(settings, names));
