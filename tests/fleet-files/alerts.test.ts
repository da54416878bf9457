import { existsSync, readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createApiMetrics } from '../../api/metrics.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { anchorsOf } from '../docs/markdown.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

const { groups } = parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as {
  groups: { rules: Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

/** Of a histogram each of its series. */
async function metricNames(): Promise<Set<string>> {
  const api = new Registry();
  createApiMetrics(api);
  const metrics = [
    ...(await createMetrics().registry.getMetricsAsJSON()),
    ...(await api.getMetricsAsJSON()),
  ];
  return new Set(
    metrics.flatMap(({ name, type }) =>
      String(type) === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}

describe('the example for Prometheus', () => {
  const { rule_files, scrape_configs } = parse(
    readFileSync('deploy/prometheus/prometheus.yaml', 'utf8'),
  ) as { rule_files: string[]; scrape_configs: Record<string, unknown>[] };

  test('has the rules that lie beside it, and a key for the API', () => {
    for (const file of rule_files) expect(existsSync(`deploy/prometheus/${file}`)).toBe(true);
    const [api] = scrape_configs.filter(({ job_name }) => job_name === 'perdure-api');
    expect(api).toMatchObject({ authorization: { type: 'Bearer' } });
  });
});

describe('the alert rules', () => {
  test('ask only for metrics that the processes have', async () => {
    const known = await metricNames();
    for (const { alert, expr } of rules) {
      const asked = expr.match(/perdure_\w+/g) ?? [];
      expect(asked, alert).not.toEqual([]);
      for (const name of asked) expect(known, alert).toContain(name);
    }
  });

  test('each have one entry in the runbook, which has no other', () => {
    const entries = anchorsOf('docs/runbook.md').filter((anchor) => anchor !== 'runbook');
    expect(rules.map(({ annotations }) => annotations.runbook)).toEqual(
      entries.map((entry) => `docs/runbook.md#${entry}`),
    );
    for (const { alert, annotations } of rules)
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
  });

  test('say whom they wake', () => {
    for (const { alert, labels } of rules)
      expect(['page', 'ticket'], alert).toContain(labels.severity);
  });
});
