/** Compares two OpenAPI documents for what would break a client that was written against the first. Pure. */

type Json = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

const objectAt = (value: unknown, ...path: readonly string[]): Json | undefined => {
  let at: unknown = value;
  for (const key of path) at = isObject(at) ? at[key] : undefined;
  return isObject(at) ? at : undefined;
};

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One sentence each; empty where every old client goes on working. */
export function breakingChanges(before: Json, after: Json): string[] {
  const paths = Object.entries(objectAt(before, 'paths') ?? {});
  return paths.flatMap(([path, item]) =>
    METHODS.filter((method) => objectAt(item, method)).flatMap((method) => {
      const name = `${method.toUpperCase()} ${path}`;
      const old = objectAt(item, method)!;
      const now = objectAt(after, 'paths', path, method);
      if (!now) return [`${name} is gone`];
      return compareOperations(
        name,
        { document: before, operation: old },
        { document: after, operation: now },
      );
    }),
  );
}

interface Side {
  readonly document: Json;
  readonly operation: Json;
}

function compareOperations(name: string, old: Side, now: Side): string[] {
  return [
    ...compareParameters(name, old, now),
    ...compareBodies(name, old, now),
    ...compareAnswers(name, old, now),
  ];
}

function compareParameters(name: string, old: Side, now: Side): string[] {
  const known = new Map(parametersOf(old).map((each) => [keyOf(each), each]));
  const left = new Set(parametersOf(now).map(keyOf));
  const gone = [...known.keys()].filter((key) => !left.has(key));
  const demanded = parametersOf(now).filter(
    (each) => each['required'] === true && known.get(keyOf(each))?.['required'] !== true,
  );
  return [
    ...gone.map((key) => `${name}: parameter ${key} is gone`),
    ...demanded.map((each) => `${name}: parameter ${keyOf(each)} is required now`),
  ];
}

const parametersOf = ({ operation }: Side): Json[] =>
  ((operation['parameters'] ?? []) as unknown[]).filter(isObject);

const keyOf = ({ in: place, name }: Json): string => `${String(name)} (${String(place)})`;

/** What the new document demands, an old client does not send; what it no longer knows, is refused. */
function compareBodies(name: string, old: Side, now: Side): string[] {
  const [before, after] = [bodyOf(old), bodyOf(now)];
  if (!after) return before ? [`${name}: takes no body any more`] : [];
  const demanded = requiredOf(after).filter((field) => !requiredOf(before).includes(field));
  const known = objectAt(after, 'properties') ?? {};
  const gone = Object.keys(objectAt(before, 'properties') ?? {}).filter(
    (field) => !(field in known),
  );
  return [
    ...demanded.map((field) => `${name}: ${field} is required in the body now`),
    ...gone.map((field) => `${name}: ${field} is no longer taken in the body`),
  ];
}

const bodyOf = (side: Side): Json | undefined =>
  resolve(
    side.document,
    objectAt(side.operation, 'requestBody', 'content', 'application/json', 'schema'),
  );

const requiredOf = (schema: Json | undefined): string[] => (schema?.['required'] ?? []) as string[];

function compareAnswers(name: string, old: Side, now: Side): string[] {
  const statuses = Object.keys(objectAt(old.operation, 'responses') ?? {});
  return statuses.flatMap((status) => {
    if (!objectAt(now.operation, 'responses', status)) return [`${name}: status ${status} is gone`];
    const where = `${name} ${status}`;
    return compareShapes(
      where,
      { ...old, schema: answerOf(old, status) },
      { ...now, schema: answerOf(now, status) },
    );
  });
}

const answerOf = ({ operation }: Side, status: string): unknown =>
  objectAt(operation, 'responses', status, 'content', 'application/json', 'schema');

interface Shape {
  readonly document: Json;
  readonly schema: unknown;
}

/** Documents refer to themselves; a client's use does not go deeper than this. */
const MAX_DEPTH = 12;

/** Old clients read these fields: none may go, or become optional. */
function compareShapes(where: string, old: Shape, now: Shape): string[] {
  const depth = where.split(/[.[]/).length;
  const [before, after] = [resolve(old.document, old.schema), resolve(now.document, now.schema)];
  if (!before || depth > MAX_DEPTH) return [];
  if (!after) return [`${where}: has no schema any more`];
  const fields = Object.entries(objectAt(before, 'properties') ?? {});
  const changes = fields.flatMap(([field, schema]) => {
    const at = `${where}: ${field}`;
    const kept = objectAt(after, 'properties', field);
    if (!kept) return [`${at} is gone from the answer`];
    const optional = requiredOf(before).includes(field) && !requiredOf(after).includes(field);
    return [
      ...(optional ? [`${at} is no longer always in the answer`] : []),
      ...compareShapes(`${where}.${field}`, { ...old, schema }, { ...now, schema: kept }),
    ];
  });
  const items = [
    { ...old, schema: before['items'] },
    { ...now, schema: after['items'] },
  ] as const;
  return [...changes, ...compareShapes(`${where}[]`, ...items)];
}

/** Follows references within the document. */
function resolve(document: Json, schema: unknown): Json | undefined {
  if (!isObject(schema)) return undefined;
  const ref = schema['$ref'];
  if (typeof ref !== 'string') return schema;
  return resolve(document, objectAt(document, ...ref.replace(/^#\//, '').split('/')));
}
