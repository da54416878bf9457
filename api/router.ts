import { router } from './procedures.ts';
import { agentRouter } from './routers/agent.ts';
import { approvalRouter } from './routers/approval.ts';
import { artifactRouter } from './routers/artifact.ts';
import { contextRouter } from './routers/context.ts';
import { credentialRouter } from './routers/credential.ts';
import { keyRouter } from './routers/key.ts';
import { runnerRouter } from './routers/runner.ts';
import { mcpRouter } from './routers/mcp.ts';
import { sessionRouter } from './routers/session.ts';
import { systemRouter } from './routers/system.ts';
import { toolRouter } from './routers/tool.ts';

export const appRouter = router({
  session: sessionRouter,
  tool: toolRouter,
  runner: runnerRouter,
  approval: approvalRouter,
  context: contextRouter,
  agent: agentRouter,
  artifact: artifactRouter,
  credential: credentialRouter,
  key: keyRouter,
  mcp: mcpRouter,
  system: systemRouter,
});

/** What clients are typed by; they take this type and nothing else from api/. */
export type AppRouter = typeof appRouter;
