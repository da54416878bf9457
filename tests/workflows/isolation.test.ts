import { expect, test } from 'vitest';
import { gate } from './support/gate.ts';
import { completed } from './support/scripted-world.ts';
import { eventually, kitWithSkippedTime, untilStatus, userMessage } from './support/session-kit.ts';

const kit = await kitWithSkippedTime();

test('two sessions in one V8 context know nothing of each other', async () => {
  const message = userMessage();
  const [heldA, heldB] = [gate(), gate()];
  const a = await kit.session({
    message,
    tenant: 'acme',
    script: [heldA.step],
    otherwise: completed(),
  });
  // The very same message id: had the workflows shared what they have seen, it would be dropped.
  const b = await kit.session({
    message,
    tenant: 'other',
    script: [heldB.step],
    otherwise: completed(),
  });
  await eventually(() => a.world.steps.length + b.world.steps.length === 2, 'both stream');
  const queued = await a.send('enqueue', 'for a alone');
  await a.handle.executeUpdate('reconfigure', { args: [{ model: 'larger' }] });
  await a.handle.signal('interruptTurn', {});
  await untilStatus(a, { turns: 2, state: 'waiting', model: 'larger' });
  expect(await b.status()).toMatchObject({ state: 'running', turns: 1, queued: 0, model: 'demo' });
  expect(b.world.seals).toEqual([]);
  expect(b.world.facts).toEqual([]);
  heldB.open();
  await untilStatus(b, { turns: 1, state: 'waiting' });
  expect(JSON.stringify(b.world.steps)).not.toContain(queued);
  expect(a.world.accepted).toEqual([[message.messageId], [queued]]);
  await Promise.all([a.stop(), b.stop()]);
  heldA.open();
});

test('a session tells its story in the Temporal UI', async () => {
  const held = gate();
  const session = await kit.session({ message: userMessage(), script: [held.step] });
  await eventually(() => session.world.steps.length === 1, 'the first step');
  const details = async () => {
    const { definition, currentDetails } = await session.handle.query<{
      definition: unknown;
      currentDetails: string;
    }>('__temporal_workflow_metadata');
    expect(definition).toBeTruthy();
    return currentDetails;
  };
  expect(await details()).toContain('Calling the model');
  const { events = [] } = await session.handle.fetchHistory();
  const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes);
  expect(Buffer.from(scheduled?.userMetadata?.summary?.data ?? []).toString()).toBe(
    '"turn 1 step 1"',
  );
  await session.send();
  await untilStatus(session, { queued: 1 });
  await eventually(
    async () => (await details()).includes('1 messages queued'),
    'the queue in the story',
  );
  await session.stop();
  held.open();
  expect(await details()).toContain('**Ended** (stopped)');
});
