// The arrows of the architecture (docs/architecture.md, "Rooms and arrows"). A rule's comment says what to do instead.

/** What each room may import of the others. A room that is not named here is free. */
const ARROWS = {
  contracts: [],
  workflows: ['contracts'],
  journal: ['contracts'],
  activities: ['contracts', 'journal', 'telemetry'],
  worker: ['contracts', 'journal', 'activities', 'telemetry', 'config'],
  api: ['contracts', 'journal', 'config', 'telemetry'],
  client: ['contracts'],
  config: ['contracts'],
  telemetry: ['contracts'],
  servers: ['contracts'],
  web: ['client', 'contracts'],
  runner: ['client', 'contracts'],
  cli: ['client', 'contracts', 'config', 'telemetry', 'servers', 'runner'],
};

const ROOMS = [...Object.keys(ARROWS), 'testing', 'tests', 'bench', 'scripts'];
const anyOf = (names) => `^(${names.join('|')})/`;

const arrows = Object.entries(ARROWS).map(([room, allowed]) => ({
  name: `arrow-${room}`,
  severity: 'error',
  comment: `${room}/ may import only ${[room, ...allowed].join(', ')}: move the shared word to contracts/, or pass it in.`,
  from: { path: anyOf([room]) },
  to: {
    path: anyOf(ROOMS),
    pathNot: [anyOf([room, ...allowed]), ...exceptionsOf(room)],
  },
}));

/** Paths outside the arrows, each with its reason. */
function exceptionsOf(room) {
  // The API signals a workflow by the definitions that the workflow itself exports.
  if (room === 'api') return ['^workflows/[^/]+/messages\\.ts$'];
  // The command starts the two processes; it knows their entry points and nothing behind them.
  if (room === 'cli')
    return [
      '^worker/(start|tools|credential-check)\\.ts$',
      '^api/server\\.ts$',
      '^api/(router|types)\\.ts$',
      '^journal/(port|sqlite|postgres)\\.ts$',
      '^journal/migrations/run\\.ts$',
      // `doctor` starts a sandbox as the worker would.
      '^activities/tools/sandbox/probe\\.ts$',
    ];
  // A runner executes the worker's own tools on another machine: these files load no journal and no Temporal.
  if (room === 'runner')
    return ['^activities/tools/(arguments|built-in|executor|worker-tool)\\.ts$'];
  if (room === 'client' || room === 'web') return ['^api/(router|types)\\.ts$'];
  return [];
}

export default {
  forbidden: [
    ...arrows,
    {
      name: 'api-types-only',
      severity: 'error',
      comment:
        'client/, web/ and cli/ take types from api/, never values: write `import type`, or move the value to contracts/.',
      from: { path: anyOf(['client', 'web', 'cli']), pathNot: ['^cli/'] },
      to: { path: '^api/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'cli-router-types-only',
      severity: 'error',
      comment:
        'cli/ starts api/ and worker/ by their entry points; the router is for its type only: write `import type`.',
      from: { path: '^cli/' },
      to: { path: '^api/(router|types)\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflow-packages',
      severity: 'error',
      comment:
        'workflows/ runs in the Temporal sandbox: only @temporalio/workflow and @temporalio/common (and types). Do the work in an activity.',
      from: { path: '^workflows/' },
      to: {
        dependencyTypesNot: ['local', 'type-only'],
        pathNot: ['node_modules/@temporalio/(workflow|common)/', '^(workflows|contracts)/'],
      },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      comment:
        'Nothing imports tests or bench: what both need is a room of its own (testing/, servers/).',
      // The tests' own configuration is theirs.
      from: { pathNot: [anyOf(['tests', 'bench']), '^vitest\\.config\\.ts$'] },
      to: { path: anyOf(['tests', 'bench']) },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'This import leads nowhere.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      comment:
        'Add the package to package.json: it is here only because another package brought it.',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-dev-packages-in-the-product',
      severity: 'error',
      comment: 'The product runs without development packages: move this one to "dependencies".',
      from: { path: anyOf(Object.keys(ARROWS).concat('testing')) },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^node_modules/\\.', '^(coverage|\\.results|\\.perdure)/'] },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
