/** What the kept histories show: each scenario drives one session to its end. Only ever add: a kept history is never recorded again. */
import type { CommandResult } from '../../contracts/activities.ts';
import { gate } from '../workflows/support/gate.ts';
import {
  askedCall,
  ScriptedWorld,
  callsTools,
  completed,
  spent,
  toolCall,
  type AskedCall,
  type Step,
} from '../workflows/support/scripted-world.ts';
import {
  eventually,
  userMessage,
  untilStatus,
  type SessionKit,
  type TestSession,
} from '../workflows/support/session-kit.ts';
import { ApplicationFailure } from '@temporalio/common';

type Scenario = (kit: SessionKit) => Promise<TestSession>;

const fails: Step = () => {
  throw ApplicationFailure.nonRetryable('too long', 'context_too_long');
};

async function plainTurns(kit: SessionKit): Promise<TestSession> {
  const session = await kit.session({ otherwise: completed() });
  for (let turns = 1; turns <= 3; turns++) {
    await session.send();
    await untilStatus(session, { turns, state: 'waiting' });
  }
  await session.stop();
  return session;
}

async function tools(kit: SessionKit): Promise<TestSession> {
  const atClient = toolCall();
  const inWorker = toolCall({ mode: 'worker', effect: 'read', timeoutMs: 60_000 });
  const broken = toolCall({ mode: 'worker', effect: 'never-retry' });
  const script = [callsTools([atClient, inWorker, broken, toolCall()]), completed()];
  const session = await kit.session({
    message: userMessage(),
    script,
    limits: { toolClaimMs: 1_500 },
  });
  session.world.executing = ({ callId }) => {
    if (callId === broken.callId) throw ApplicationFailure.nonRetryable('the disk is gone');
  };
  await untilStatus(session, { state: 'waiting_for_tools' });
  await session.handle.signal('toolResult', { callId: atClient.callId });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.stop();
  return session;
}

async function interrupt(kit: SessionKit): Promise<TestSession> {
  const [first, second] = [gate(), gate()];
  const session = await kit.session({
    message: userMessage(),
    script: [first.step, second.step],
    otherwise: completed(),
  });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.send();
  await eventually(() => session.world.steps.length === 2, 'the second turn');
  await session.send('interrupt');
  await untilStatus(session, { turns: 3, state: 'waiting' });
  await session.stop();
  first.open();
  second.open();
  return session;
}

async function queueAndSteering(kit: SessionKit): Promise<TestSession> {
  const held = gate();
  const session = await kit.session({
    message: userMessage(),
    script: [held.step],
    otherwise: completed(),
  });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  const [a, b, c] = [await session.send(), await session.send(), await session.send('steer')];
  await session.send('reject');
  const edit = (request: object) => session.handle.executeUpdate('editQueue', { args: [request] });
  await edit({ action: 'edit', messageId: a, content: [{ type: 'text', text: 'better' }] });
  await edit({ action: 'move', messageId: b, position: 0 });
  await edit({ action: 'remove', messageId: c });
  await edit({ action: 'steer', messageId: a });
  await session.handle.executeUpdate('reconfigure', {
    args: [{ model: 'larger', limits: { idleMs: 500_000 } }],
  });
  held.open({ outcome: 'tool_calls', calls: [toolCall({ settled: true })], spend: spent(1) });
  await untilStatus(session, { turns: 2, state: 'waiting' });
  await session.stop();
  return session;
}

async function continuing(kit: SessionKit): Promise<TestSession> {
  const session = await kit.session({ limits: { historyEvents: 60 }, otherwise: completed() });
  for (let n = 0; n < 30; n++) await session.send();
  await untilStatus(session, { turns: 30, state: 'waiting' });
  await session.stop();
  return session;
}

async function reopened(kit: SessionKit): Promise<TestSession> {
  const first = await kit.session();
  await first.stop();
  const session = await kit.session({
    sessionId: first.sessionId,
    origin: 'reopen',
    message: userMessage(),
    otherwise: completed(),
    carried: {
      queue: [],
      seen: [],
      spend: spent(5),
      turns: 3,
      startedAt: 0,
      idleSince: 0,
      warned: null,
    },
  });
  await untilStatus(session, { turns: 4, state: 'waiting' });
  await session.stop();
  return session;
}

async function idleEnd(kit: SessionKit): Promise<TestSession> {
  const session = await kit.session({
    limits: { idleMs: 2_000, warningMs: 1_000 },
    otherwise: completed(),
  });
  await eventually(() => session.world.facts.length === 2, 'the warning');
  await session.send();
  await session.handle.result();
  return session;
}

async function failuresAndLimits(kit: SessionKit): Promise<TestSession> {
  const look = callsTools([toolCall({ settled: true })], spent(5));
  const session = await kit.session({
    message: userMessage(),
    limits: { stepsPerTurn: 2, usdPerSession: 10 },
    script: [fails, look, look],
    otherwise: completed(),
  });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting' });
  await session.send();
  await untilStatus(session, { turns: 3, state: 'waiting' });
  await session.stop();
  return session;
}

async function stopWhileBusy(kit: SessionKit): Promise<TestSession> {
  const held = gate();
  const session = await kit.session({ message: userMessage(), script: [held.step] });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  await session.send();
  await session.stop();
  held.open();
  return session;
}

async function approvals(kit: SessionKit): Promise<TestSession> {
  const [approved, rejected, expired] = [askedCall(), askedCall({ mode: 'client' }), askedCall()];
  const message = userMessage();
  const { approvalId } = expired.approval;
  const session = await kit.session({
    message,
    script: [
      callsTools([approved, rejected, { ...expired, approval: { approvalId, waitMs: 2_000 } }]),
    ],
    otherwise: completed(),
  });
  await eventually(() => session.world.asks.length === 3, 'the questions');
  const decide = (call: AskedCall, decision: object) => {
    const ref = { turn: message.messageId, step: 1, callId: call.callId };
    const request = { ...ref, approvalId: call.approval.approvalId, decision, by: 'ann' };
    return session.handle.executeUpdate('approvalDecision', { args: [request] });
  };
  await decide(approved, { decision: 'approve' });
  await decide(rejected, { decision: 'reject', reason: 'no' });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  session.world.script = [callsTools([askedCall()])];
  await session.send();
  await untilStatus(session, { turns: 2, state: 'waiting_for_approval' });
  await session.stop();
  return session;
}

/** An answer, an interrupt, a loss and a new program. */
async function programs(kit: SessionKit): Promise<TestSession> {
  const held = Promise.withResolvers<CommandResult>();
  const answer: CommandResult = {
    result: { outcome: 'completed', spend: spent(10) },
    conversation: 'c-1',
  };
  const world = new ScriptedWorld();
  world.commandScript = [
    () => answer,
    () => held.promise,
    () => {
      throw ApplicationFailure.nonRetryable('the program ended', 'runner_lost');
    },
    () => answer,
  ];
  const engine = { cli: 'claude', timeoutMs: 300_000, credential: 'login' };
  const session = await kit.session({ world, engine, message: userMessage() });
  await untilStatus(session, { turns: 1, state: 'waiting' });
  await session.send();
  await eventually(() => world.commands.length === 2, 'a held command');
  await session.handle.signal('interruptTurn', {});
  await untilStatus(session, { turns: 2, state: 'waiting' });
  held.resolve(answer);
  for (const turns of [3, 4]) {
    await session.send();
    await untilStatus(session, { turns, state: 'waiting' });
  }
  await session.stop();
  return session;
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'plain-turns': plainTurns,
  tools,
  interrupt,
  'queue-and-steering': queueAndSteering,
  'continue-as-new': continuing,
  reopen: reopened,
  'idle-end': idleEnd,
  'failures-and-limits': failuresAndLimits,
  'stop-while-busy': stopWhileBusy,
  approvals,
  programs,
};
