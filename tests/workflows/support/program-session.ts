/** Sessions whose agent is a scripted program. */
import { ScriptedWorld, spent } from './scripted-world.ts';
import type { Command } from './scripted-world.ts';
import type { SessionKit, StartOptions, TestSession } from './session-kit.ts';

/** One answer. */
export const answers =
  (conversation?: string): Command =>
  () => ({
    result: { outcome: 'completed', spend: spent(10, 0.01) },
    ...(conversation === undefined ? {} : { conversation }),
  });

const STEADY = { model: {}, command: { heartbeatMs: 86_400_000 } };

export interface ProgramSession {
  readonly session: TestSession;
  readonly world: ScriptedWorld;
}

export interface ProgramOptions extends StartOptions {
  readonly commands?: Command[];
}

export async function programSession(
  kit: SessionKit,
  options: ProgramOptions = {},
): Promise<ProgramSession> {
  const world = options.world ?? new ScriptedWorld();
  world.commandScript = options.commands ?? [];
  const session = await kit.session({
    world,
    engine: { cli: 'claude', timeoutMs: 300_000 },
    policies: STEADY,
    ...options,
  });
  return { session, world };
}

export const programStates = (world: ScriptedWorld): unknown[] => world.factsOf('program.state');
