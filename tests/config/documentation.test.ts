import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ENVIRONMENT } from '../../config/environment.ts';
import { loadSettings } from '../../config/load.ts';
import { settingsSchema } from '../../config/schema.ts';
import { childOf, schemaAt } from '../../config/walk.ts';
import { settingRows } from '../../scripts/configuration-page.ts';

describe('docs/configuration.md (A14)', () => {
  it('explains every setting', async () => {
    const page = await readFile('docs/configuration.md', 'utf8');
    const rows = settingRows(settingsSchema);
    expect(rows.length).toBeGreaterThan(80);
    expect(rows.filter(({ meaning }) => meaning === '')).toEqual([]);
    for (const { path } of rows) expect(page).toContain(`\`${path}\``);
    for (const { name } of ENVIRONMENT) expect(page).toContain(`\`${name}\``);
  });

  it('shows a full example that is valid', async () => {
    const settings = await loadSettings({
      cwd: '.',
      env: {},
      file: 'examples/perdure.yaml',
      localModels: null,
    });
    expect(settings.catalogue).toMatchObject({ defaultModel: 'fast', defaultAgent: 'assistant' });
    expect(settings.policies.toolRead.attempts).toBe(5);
  });
});

describe('the table of environment variables', () => {
  it('leads to settings that exist', () => {
    for (const { name, path } of ENVIRONMENT)
      expect(schemaAt(settingsSchema, path), name).toBeDefined();
    expect(childOf(settingsSchema, 'nothing')).toBeUndefined();
  });
});
