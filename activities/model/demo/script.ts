/** What the demo model says. Pure: it reads the conversation and decides the next reply. */

export interface DemoTurn {
  /** The last message of the person. */
  readonly user: string;
  /** True where nothing was answered yet in this conversation. */
  readonly first: boolean;
  /** Tools that may be called now. */
  readonly tools: ReadonlySet<string>;
  /** Results of the calls made since the last message of the person. */
  readonly results: readonly { readonly name: string; readonly text: string }[];
}

export interface DemoReply {
  readonly text: string;
  readonly call?: { readonly name: string; readonly input: Record<string, unknown> } | undefined;
}

const INTRODUCTION =
  "I am Perdure's demo model: a script, not an AI. I understand “what is in this folder?”, “find TODO”, “read README” and “call TOOL {…}”, " +
  'for which I really call tools, and repeat everything else. Set OPENROUTER_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY to talk to a real model.\n\n';

interface Intent {
  readonly tool: string;
  readonly input: Record<string, unknown>;
  readonly announce: string;
  readonly report: (result: string) => string;
}

const FOLDER =
  /\b(?:what(?:'s| is|’s)? in (?:this|the) (?:folder|directory)|list (?:the )?files|^ls\b)/i;
const FIND = /\b(?:find|search for|grep)\s+["“']?([^"”'?]+?)["”']?\s*[?.!]?$/i;
const READ = /\b(?:read|show|open)\s+(?:the\s+)?(?:file\s+)?["“'`]?([\w./-]+?)["”'`]?[?.!]?$/i;

const CALL = /^call\s+([A-Za-z][\w-]*)\s*(\{.*\})?$/is;

/** A tool by its name, with its arguments: for trying one of a person's own. Undefined where they are no JSON. */
function namedCall(text: string): Intent | undefined {
  const [, tool, json = '{}'] = CALL.exec(text) ?? [];
  if (tool === undefined) return undefined;
  try {
    const input = JSON.parse(json) as Record<string, unknown>;
    const report = (result: string): string => `${tool} says:\n\n${result}`;
    return { tool, input, announce: `I call ${tool}.`, report };
  } catch {
    return undefined;
  }
}

/** What a person asked for, as the tool that answers it. */
export function intentOf(user: string): Intent | undefined {
  const text = user.trim();
  const named = namedCall(text);
  if (named) return named;
  if (FOLDER.test(text))
    return {
      tool: 'list_files',
      input: { path: '.' },
      announce: 'I look into the folder.',
      report: (result) => `This is in the folder:\n\n${result}`,
    };
  const query = FIND.exec(text)?.[1];
  if (query !== undefined)
    return {
      tool: 'search_files',
      input: { query },
      announce: `I search the files for “${query}”.`,
      report: (result) => `This is what I found for “${query}”:\n\n${result}`,
    };
  const file = READ.exec(text)?.[1];
  if (file !== undefined)
    return {
      tool: 'read_file',
      input: { path: /^readme$/i.test(file) ? 'README.md' : file },
      announce: `I read ${file}.`,
      report: (result) => `${file} says:\n\n${result}`,
    };
  return undefined;
}

/** The demo model's next reply. */
export function demoReply(turn: DemoTurn): DemoReply {
  const intent = intentOf(turn.user);
  const last = turn.results.at(-1);
  if (intent && last) return { text: intent.report(last.text) };
  const introduction = turn.first ? INTRODUCTION : '';
  if (!intent) return { text: `${introduction}You said: ${turn.user}` };
  if (!turn.tools.has(intent.tool))
    return {
      text: `${introduction}I would call ${intent.tool} now, but this session has no such tool. The agent must name it; those for files need a workspace.`,
    };
  return {
    text: `${introduction}${intent.announce}`,
    call: { name: intent.tool, input: intent.input },
  };
}
