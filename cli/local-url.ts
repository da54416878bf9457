import type { Settings } from '../config/settings.ts';

/** Where this machine reaches the API of these settings; an address that listens everywhere is asked for on loopback. */
export function localUrl({ api: { host, port } }: Pick<Settings, 'api'>): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
