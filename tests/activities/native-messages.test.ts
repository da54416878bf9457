import { describe, expect, it } from 'vitest';
import { startModelServer } from '../support/model-server.ts';
import type { ScriptedReply } from '../support/model-server.ts';
import { familyOn, withServer } from './provider-families.ts';
import { nextStep, openStage } from './stage.ts';

describe('thoughts with a signature', () => {
  const think: ScriptedReply = {
    reasoning: 'Let me look. ',
    text: 'I look.',
    toolCalls: [{ name: 'list_files', arguments: {} }],
  };

  it('go back to the provider they came from, as it sent them', async () =>
    withServer('anthropic', async (stage, server) => {
      server.script(think, { text: 'Done.' });
      const first = stage.message('go');
      const asked = await stage.callModel(first);
      if (asked.outcome !== 'tool_calls') throw new Error(asked.outcome);
      for (const call of asked.calls) await stage.executeTool(first, call);
      await stage.callModel(nextStep(first));
      const sent = JSON.stringify(server.requests[1]?.body);
      expect(sent).toContain('"thinking":"Let me look. "');
      expect(sent).toContain('"signature":"sig-r1"');
      expect(sent).toContain(`"tool_use_id":"${asked.calls[0]?.callId}"`);
    }));

  it('stay away from another provider, which is told the rest of the conversation', async () => {
    await using server = await startModelServer();
    const one = familyOn(server, 'anthropic');
    const other = familyOn(server, 'openai-compatible');
    await using stage = await openStage({
      providers: { ...one.providers, other: other.providers?.['fake'] ?? {} },
      models: { ...one.models, other: { provider: 'other', model: 'other-1' } },
      secrets: one.secrets,
    });
    server.script(think, { text: 'Done.' });
    const first = stage.message('go');
    const asked = await stage.callModel(first);
    if (asked.outcome !== 'tool_calls') throw new Error(asked.outcome);
    for (const call of asked.calls) await stage.executeTool(first, call);
    expect((await stage.callModel({ ...nextStep(first), model: 'other' })).outcome).toBe(
      'completed',
    );
    const sent = JSON.stringify(server.requests[1]?.body);
    expect(sent).toContain('I look.');
    expect(sent).not.toContain('sig-r1');
    expect(sent).not.toContain('Let me look.');
  });
});
