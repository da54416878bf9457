/** The only reader of perdure.yaml and of the environment. Everything else is given a {@link Settings}. */
import { basename, dirname, resolve } from 'node:path';
import type { ModelCatalogue } from '../contracts/settings.ts';
import { ENVIRONMENT, OTHER_VARIABLES, readEnvironment } from './environment.ts';
import type { EnvironmentValue } from './environment.ts';
import { readSettingsFile } from './file.ts';
import { DEFAULT_AGENT, DEMO, localOffer, offersByKey } from './models.ts';
import type { ModelOffer } from './models.ts';
import { nearest } from './nearest.ts';
import { SettingsError, dotted, problemsOfIssue, valueAt } from './problems.ts';
import type { PathProblem, Problem } from './problems.ts';
import { checkReferences } from './references.ts';
import type { Names } from './references.ts';
import { settingsSchema } from './schema.ts';
import type { FileSettings } from './schema.ts';
import { resolveSettings } from './settings.ts';
import type { Settings } from './settings.ts';

export interface LoadOptions {
  /** The folder of the start. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Path of the settings file, instead of PERDURE_CONFIG and perdure.yaml. */
  readonly file?: string | undefined;
  /** Asks for a model server on this machine; none is asked where this is null. */
  readonly localModels?: (() => Promise<ModelOffer | undefined>) | null | undefined;
}

const FILE_NAME = 'perdure.yaml';

/** @throws {SettingsError} with every problem at once */
export async function loadSettings(options: LoadOptions): Promise<Settings> {
  const { cwd, env } = options;
  const given = options.file ?? (env['PERDURE_CONFIG']?.trim() || undefined);
  const path = resolve(cwd, given ?? FILE_NAME);
  const file = await readSettingsFile({
    path,
    name: basename(path),
    required: given !== undefined,
  });
  const values = readEnvironment(env);
  const sourceOf = (at: readonly PropertyKey[]): string | undefined =>
    values.find(({ setting }) => setting.path.join('.') === at.join('.'))?.setting.name ??
    file.sourceOf(at);
  const locate = ({ path: at, message }: PathProblem): Problem => ({
    path: dotted(at),
    source: sourceOf(at),
    message,
  });

  const input = overlay(file.content, values);
  const { parsed, wrong } = parseWhole(input);
  const done = parsed && (await complete(parsed, { ...options, input }));
  const unfit = done ? unfitIn(done.completed, { input, wrong }) : [];
  const problems = [
    ...file.problems,
    ...unknownVariables(env),
    ...[...wrong, ...unfit].map(locate),
  ];
  if (problems.length > 0 || !done) throw new SettingsError(problems);
  return resolveSettings(done.completed, {
    home: resolve(cwd, env['PERDURE_HOME']?.trim() || '.perdure'),
    file: file.path,
    catalogue: catalogueOf(done.completed),
    modelReason: done.reason,
    toolsFolder: besideFile(path, done.completed.toolsFolder),
  });
}

/** What is wrong in itself was left out, so it looks as if it were missing: that is not said of it as well. */
function unfitIn(
  completed: FileSettings,
  { input, wrong }: { input: unknown; wrong: readonly PathProblem[] },
): readonly PathProblem[] {
  const known = new Set(wrong.map(({ path }) => dotted(path)));
  return checkReferences(completed, namesIn(completed, input)).filter(
    ({ path, orElse = [] }) => ![path, ...orElse].some((each) => known.has(dotted(each))),
  );
}

/** Paths in the file count from its folder, wherever the process was started. */
const besideFile = (file: string, folder: string | undefined): string | null =>
  folder === undefined ? null : resolve(dirname(file), folder);

interface Parsed {
  /** Where only some settings are wrong: the rest, so that what depends on other settings is checked in the same go. */
  readonly parsed: FileSettings | undefined;
  readonly wrong: readonly PathProblem[];
}

function parseWhole(input: unknown): Parsed {
  const first = settingsSchema.safeParse(input);
  if (first.success) return { parsed: first.data, wrong: [] };
  const context = { schema: settingsSchema, input };
  const wrong = first.error.issues.flatMap((issue) => problemsOfIssue(issue, context));
  return { parsed: parseSound(input, wrong), wrong };
}

/** What is left without the wrong settings. Where one of them is required, that makes what it belongs to wrong: the whole entry goes. */
function parseSound(input: unknown, wrong: readonly PathProblem[]): FileSettings | undefined {
  const rest = structuredClone(input);
  let paths: readonly (readonly PropertyKey[])[] = wrong.map(({ path }) => path);
  for (;;) {
    const dropped = paths.filter((path) => drop(rest, path));
    if (dropped.length === 0) return undefined;
    const { success, data, error } = settingsSchema.safeParse(rest);
    if (success) return data;
    paths = error.issues.map(({ path }) => path);
  }
}

/** Takes out what stands at the path, or the nearest thing around it that can be taken out. @returns false where there is none */
function drop(from: unknown, path: readonly PropertyKey[]): boolean {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = valueAt(from, path.slice(0, length - 1));
    const key = path[length - 1]!;
    if (isMapping(parent) && Object.hasOwn(parent, key)) return Reflect.deleteProperty(parent, key);
  }
  return false;
}

/** A misspelt variable would otherwise be ignored without a word. */
function unknownVariables(env: NodeJS.ProcessEnv): readonly Problem[] {
  const known = [...ENVIRONMENT.map(({ name }) => name), ...Object.keys(OTHER_VARIABLES)];
  return Object.keys(env)
    .filter((name) => name.startsWith('PERDURE_') && !name.startsWith('PERDURE_TEST_'))
    .filter((name) => !known.includes(name))
    .flatMap((name) => {
      const meant = nearest(name, known);
      return meant ? [{ path: name, message: `is not known; did you mean ${meant}?` }] : [];
    });
}

function overlay(content: unknown, values: readonly EnvironmentValue[]): unknown {
  if (!isMapping(content)) return content;
  const input = structuredClone(content);
  for (const { setting, value } of values) put(input, setting.path, value);
  return input;
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = target[key] ?? {};
  // Something else than a mapping stands there: validation says so.
  if (!isMapping(inner)) return;
  target[key] = inner;
  put(inner, rest, value);
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What may be referred to. An entry that is wrong in itself still has its name. */
function namesIn(completed: FileSettings, input: unknown): Names {
  const namesOf = (key: keyof Names): readonly string[] => {
    const written = valueAt(input, [key]);
    return [
      ...new Set([
        ...Object.keys(isMapping(written) ? written : {}),
        ...Object.keys(completed[key]),
      ]),
    ];
  };
  return {
    providers: namesOf('providers'),
    models: namesOf('models'),
    agents: namesOf('agents'),
    credentials: namesOf('credentials'),
  };
}

interface Completed {
  readonly completed: FileSettings & { defaultModel: string };
  readonly reason: string;
}

/** Adds the demo model always, and where the file has no models those that can be found. */
async function complete(
  parsed: FileSettings,
  options: LoadOptions & { readonly input: unknown },
): Promise<Completed> {
  const chosen = Object.keys(parsed.models)[0];
  const offers = chosen === undefined ? await findOffers(options) : [];
  const providers = { ...parsed.providers };
  const models = { ...parsed.models };
  for (const offer of [...offers, DEMO]) {
    providers[offer.provider] ??= offer.providerSettings;
    models[offer.name] ??= offer.model;
  }
  const first = offers[0] ?? DEMO;
  const defaultModel = parsed.defaultModel ?? chosen ?? first.name;
  const completed = { ...parsed, ...agentsOf(parsed, options.input), providers, models };
  return { completed: { ...completed, defaultModel }, reason: reasonFor(parsed, first) };
}

/** A file that names agents but no default means its first one. */
function agentsOf(
  { agents, defaultAgent }: FileSettings,
  input: unknown,
): Pick<FileSettings, 'agents' | 'defaultAgent'> {
  const first = Object.keys(agents)[0];
  if (first === undefined) return { agents: { [defaultAgent]: DEFAULT_AGENT }, defaultAgent };
  const stated = isMapping(input) && input['defaultAgent'] !== undefined;
  return { agents, defaultAgent: stated || agents[defaultAgent] ? defaultAgent : first };
}

function reasonFor(parsed: FileSettings, first: ModelOffer): string {
  if (parsed.defaultModel !== undefined) return 'chosen by defaultModel';
  return Object.keys(parsed.models).length > 0 ? 'the first under models' : first.reason;
}

async function findOffers({ env, localModels }: LoadOptions): Promise<readonly ModelOffer[]> {
  const byKey = offersByKey(env);
  if (byKey.length > 0 || localModels === null) return byKey;
  const local = await (localModels ?? localOffer)();
  return local ? [local] : [];
}

const catalogueOf = (settings: Completed['completed']): ModelCatalogue => ({
  providers: settings.providers,
  models: settings.models,
  agents: settings.agents,
  approvalPolicy: settings.approvalPolicy,
  defaultModel: settings.defaultModel,
  defaultAgent: settings.defaultAgent,
});
