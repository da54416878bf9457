import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const condition = z.enum(['service_started', 'service_healthy', 'service_completed_successfully']);

const serviceSchema = z.object({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).default([]),
  restart: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), z.object({ condition })).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  deploy: z.object({ replicas: z.number() }).optional(),
  stop_grace_period: z.string().optional(),
  healthcheck: z
    .object({ test: z.array(z.string()).optional(), disable: z.boolean().optional() })
    .optional(),
});
export type Service = z.infer<typeof serviceSchema>;

const composeSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

/** The compose file as Docker reads it, its anchors merged; only the forms that our file uses are understood. */
export const composeFile = () =>
  composeSchema.parse(parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }));

export function service(name: string): Service {
  const found = composeFile().services[name];
  if (!found) throw new Error(`no service ${name} in docker-compose.yml`);
  return found;
}

/** The services that run this repository's code, by name. */
export const ownServices = (): readonly (readonly [string, Service])[] =>
  Object.entries(composeFile().services).filter(([, { build }]) => build !== undefined);

/** The URL that a service's health check asks, if it asks one. */
export function healthUrl({ healthcheck }: Service): URL | undefined {
  const last = healthcheck?.test?.at(-1);
  return last?.startsWith('http://') ? new URL(last) : undefined;
}
