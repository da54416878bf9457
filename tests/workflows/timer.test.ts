import { expect, test } from 'vitest';
import { callsTools, completed, toolCall } from './support/scripted-world.ts';
import { eventually, kitWithSkippedTime, untilTurns, userMessage } from './support/session-kit.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
// Real time passes on the skipped clock, too, and more of it on a busy machine: these are so long that it decides nothing.
const limits = { idleMs: 50 * MINUTE, warningMs: 5 * MINUTE, lifetimeMs: 600 * MINUTE };

const kit = await kitWithSkippedTime();

test('a session nobody talks to is warned 30 s before its idle time ends, then ends', async () => {
  const declared = { idleMs: 5 * MINUTE, warningMs: 30 * SECOND, lifetimeMs: 60 * MINUTE };
  const session = await kit.session({ limits: declared });
  const started = (await session.handle.describe()).startTime.getTime();
  await session.handle.result();
  const ended = (await session.handle.describe()).closeTime?.getTime() ?? 0;
  expect(session.world.factTypes).toEqual(['session.state', 'session.warning', 'session.ended']);
  expect(session.world.factsOf('session.warning')).toMatchObject([
    { reason: 'idle', withdrawn: false },
  ]);
  expect(session.world.factsOf('session.ended')).toEqual([{ reason: 'idle' }]);
  const idle = ended - started;
  expect(idle).toBeGreaterThanOrEqual(declared.idleMs);
  expect(idle).toBeLessThan(2 * declared.idleMs);
});

test('a message starts the idle time again', async () => {
  const session = await kit.session({ limits });
  session.world.otherwise = completed();
  await kit.pass(40 * MINUTE);
  await session.send();
  await untilTurns(session, 1);
  await kit.pass(40 * MINUTE);
  expect(session.world.factTypes).toEqual(['session.state']);
  await session.handle.result();
  expect(session.world.factTypes).toEqual(['session.state', 'session.warning', 'session.ended']);
});

test('activity withdraws the warning, and the session can be warned again', async () => {
  const session = await kit.session({ limits });
  session.world.otherwise = completed();
  await kit.pass(47 * MINUTE);
  await eventually(() => session.world.facts.length === 2, 'the warning');
  await session.send();
  await untilTurns(session, 1);
  await session.handle.result();
  expect(session.world.factsOf('session.warning')).toMatchObject([
    { reason: 'idle', withdrawn: false },
    { reason: 'idle', withdrawn: true },
    { reason: 'idle', withdrawn: false },
  ]);
  expect(session.world.factsOf('session.ended')).toEqual([{ reason: 'idle' }]);
});

test('the idle timer does not run while a turn waits for a tool', async () => {
  const session = await kit.session({
    limits: { ...limits, toolClaimMs: 300 * MINUTE },
    message: userMessage(),
    script: [callsTools([toolCall()]), completed()],
  });
  await untilTurns(session, 1);
  await kit.pass(290 * MINUTE);
  expect(session.world.factTypes).toEqual([]);
  await session.handle.result();
  expect(session.world.factTypes).toEqual(['session.warning', 'session.ended']);
});

test('a session ends with its lifetime, however busy it was, after a warning', async () => {
  const session = await kit.session({ limits: { ...limits, lifetimeMs: 100 * MINUTE } });
  session.world.otherwise = completed();
  for (let turns = 1; turns <= 3; turns++) {
    await kit.pass(30 * MINUTE);
    await session.send();
    await untilTurns(session, turns);
  }
  await session.handle.result();
  expect(session.world.factsOf('session.warning')).toMatchObject([
    { reason: 'lifetime', withdrawn: false },
  ]);
  expect(session.world.factsOf('session.ended')).toEqual([{ reason: 'lifetime' }]);
});

test('the lifetime does not end a session with a turn open: it ends after the turn', async () => {
  const session = await kit.session({
    limits: { ...limits, lifetimeMs: 100 * MINUTE, toolClaimMs: 300 * MINUTE },
    message: userMessage(),
    script: [callsTools([toolCall()]), completed()],
  });
  await untilTurns(session, 1);
  await kit.pass(200 * MINUTE);
  expect(session.world.factTypes).toEqual(['session.warning']);
  await session.handle.result();
  expect(session.world.factTypes).toEqual(['session.warning', 'session.ended']);
  expect(session.world.factsOf('session.ended')).toEqual([{ reason: 'lifetime' }]);
});

test('a reopened session says so before anything else and lives a new lifetime', async () => {
  const first = await kit.session({ limits });
  await first.stop();
  const message = userMessage();
  const again = await kit.session({
    sessionId: first.sessionId,
    world: first.world,
    origin: 'reopen',
    message,
    limits,
    otherwise: completed(),
  });
  await untilTurns(again, 1);
  await again.handle.result();
  expect(again.world.factTypes).toEqual([
    'session.state',
    'session.ended',
    'session.reopened',
    'session.warning',
    'session.ended',
  ]);
});

test('a session reopened without a message waits', async () => {
  const session = await kit.session({ origin: 'reopen', limits });
  await eventually(() => session.world.facts.length === 2, 'facts');
  expect(session.world.factTypes).toEqual(['session.reopened', 'session.state']);
  await session.stop();
});

test('a lifetime that is extended after its warning: the warning is withdrawn, the idle time counts again, and the new end is announced', async () => {
  const session = await kit.session({ limits: { ...limits, lifetimeMs: 40 * MINUTE } });
  await kit.pass(37 * MINUTE);
  await eventually(() => session.world.facts.length === 2, 'the warning');
  await session.handle.executeUpdate('reconfigure', {
    args: [{ limits: { lifetimeMs: 70 * MINUTE } }],
  });
  await session.handle.result();
  const warnings = session.world.factsOf('session.warning');
  expect(warnings).toMatchObject([
    { reason: 'lifetime', withdrawn: false },
    { reason: 'lifetime', withdrawn: true },
    { reason: 'lifetime', withdrawn: false },
  ]);
  const [first, withdrawn, second] = (warnings as { endsAt: string }[]).map(({ endsAt }) =>
    Date.parse(endsAt),
  );
  expect([withdrawn, second]).toEqual([first, first! + 30 * MINUTE]);

  const idle = await kit.session({ limits: { ...limits, lifetimeMs: 40 * MINUTE } });
  await kit.pass(37 * MINUTE);
  await eventually(() => idle.world.facts.length === 2, 'the warning');
  await idle.handle.executeUpdate('reconfigure', {
    args: [{ limits: { lifetimeMs: 600 * MINUTE } }],
  });
  await idle.handle.result();
  expect(idle.world.factsOf('session.ended')).toEqual([{ reason: 'idle' }]);
});
