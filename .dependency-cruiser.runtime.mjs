// What is really loaded: type imports are left out (tsPreCompilationDeps), so that these rules see only run-time arrows.

export default {
  forbidden: [
    {
      name: 'no-zod-in-workflows',
      severity: 'error',
      comment:
        'zod and the id library would add a megabyte to every workflow sandbox, and Node built-ins do not exist there. ' +
        'Import the inferred type (`import type`), or a part of contracts/ that is free of them.',
      from: { path: '^workflows/' },
      to: {
        path: 'node_modules/(zod|typeid-js|uuid)/|^(node:)?(crypto|fs|path|os|net|http)$',
        reachable: true,
      },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment:
        'Two files that need each other are one concept, or share a third: move it to a file of its own.',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^node_modules/\\.', '^(coverage|\\.results|\\.perdure)/'] },
    tsPreCompilationDeps: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
