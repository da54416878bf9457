import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { localOffer } from '../../config/models.ts';
import { environmentSecrets } from '../../config/secrets.ts';
import { POLICIES } from '../../contracts/policies.ts';
import { load } from './support.ts';

describe('settings', () => {
  it('are complete without a file: loopback, embedded Temporal and the demo model', async () => {
    const settings = await load();
    expect(settings.api).toMatchObject({ host: '127.0.0.1', port: 7400 });
    expect(settings.temporal).toMatchObject({ address: '127.0.0.1:7233', embedded: true });
    expect(settings.catalogue).toMatchObject({ defaultModel: 'demo', defaultAgent: 'assistant' });
    expect(settings.policies).toEqual(POLICIES);
    expect(settings.home).toMatch(/\/\.perdure$/);
    expect(settings.file).toBeNull();
  });

  it('take the environment over the file', async () => {
    const settings = await load({
      yaml: 'api: { port: 1000, host: 127.0.0.2 }\nlog: { level: debug }',
      env: { PERDURE_API_PORT: '2000', PERDURE_LOG_LEVEL: '', TEMPORAL_ADDRESS: 'temporal:7233' },
    });
    expect(settings.api).toMatchObject({ port: 2000, host: '127.0.0.2' });
    expect(settings.log.level).toBe('debug');
    expect(settings.temporal).toMatchObject({ address: 'temporal:7233', embedded: false });
  });

  it('are frozen to the innermost', async () => {
    const settings = await load();
    expect(() => Object.assign(settings.api, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(settings.catalogue.models['demo'] ?? {}, { model: 'x' })).toThrow();
  });

  it('carry time limits into the limits of sessions and into the policies', async () => {
    const settings = await load({
      yaml: [
        'timeouts: { sessionIdleMs: 60000, modelAttemptMs: 90000, heartbeatMs: 30000 }',
        'policies: { toolRead: { attempts: 7 }, record: { attemptMs: 5000 } }',
        'limits: { usdPerSession: 2 }',
      ].join('\n'),
    });
    expect(settings.limits).toMatchObject({ idleMs: 60_000, usdPerSession: 2, stepsPerTurn: 50 });
    expect(settings.policies.model).toMatchObject({ attemptMs: 90_000, heartbeatMs: 30_000 });
    expect(settings.policies.toolRead).toMatchObject({ attempts: 7, heartbeatMs: 30_000 });
    expect(settings.policies.record).toEqual({ ...POLICIES.record, attemptMs: 5_000 });
  });
});

describe('the model, when nobody chose one', () => {
  it.each(['OPENROUTER_API_KEY', 'OPENAI_API_KEY', 'ANTHROPIC_API_KEY'])(
    'is of the provider whose key is set: %s',
    async (name) => {
      const { catalogue, modelReason } = await load({ env: { [name]: 'sk-secret-value' } });
      const model = catalogue.models[catalogue.defaultModel];
      expect(catalogue.providers[model?.provider ?? '']?.apiKeyEnv).toBe(name);
      expect(model?.contextTokens).toBeGreaterThan(32_000);
      expect(model?.inputUsdPerMTok).toBeGreaterThan(0);
      expect(modelReason).toContain(name);
    },
  );

  it('is the first of several keys; the others are there too, and the demo', async () => {
    const env = { ANTHROPIC_API_KEY: 'a'.repeat(20), OPENROUTER_API_KEY: 'b'.repeat(20) };
    const { catalogue } = await load({ env });
    expect(catalogue.defaultModel).toBe('openrouter');
    expect(Object.keys(catalogue.models)).toEqual(['openrouter', 'anthropic', 'demo']);
  });

  it('never takes the key itself into the settings', async () => {
    const settings = await load({ env: { OPENAI_API_KEY: 'sk-secret-value' } });
    expect(JSON.stringify(settings)).not.toContain('sk-secret-value');
    expect(environmentSecrets({ OPENAI_API_KEY: 'sk-secret-value' })('OPENAI_API_KEY')).toBe(
      'sk-secret-value',
    );
  });

  it('is the first one of the file', async () => {
    const yaml = 'models: { mine: { provider: demo, model: demo } }\nagents: { writer: {} }';
    const { catalogue } = await load({ yaml, env: { OPENAI_API_KEY: 'x'.repeat(20) } });
    expect(catalogue).toMatchObject({ defaultModel: 'mine', defaultAgent: 'writer' });
  });

  it("is a local server's first one, where a server answers", async () => {
    const server = createServer((_, response) => response.end('{"data":[{"id":"llama3.2"}]}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const offer = await localOffer(`http://127.0.0.1:${port}/v1`);
    server.close();
    expect(offer?.model.model).toBe('llama3.2');
    expect(await localOffer(`http://127.0.0.1:${port}/v1`)).toBeUndefined();
  });
});
