/** The commands of a chat, typed after a slash. */
import { partsText } from '../../contracts/content.ts';
import { oneLine, sessionDetails } from '../format.ts';
import { modelLine } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import type { Chat } from './chat.ts';

interface SlashCommand {
  readonly usage: string;
  readonly help: string;
  /** @returns what to print */
  run(chat: Chat, argument: string, catalogue: Catalogue): Promise<string> | string;
}

const NO_SESSION = 'No session yet: your first message begins one.';

export const SLASH_COMMANDS: Readonly<Record<string, SlashCommand>> = {
  help: {
    usage: '/help',
    help: 'these commands',
    run: () =>
      Object.values(SLASH_COMMANDS)
        .map(({ usage, help }) => `${usage.padEnd(14)}${help}`)
        .join('\n'),
  },
  status: {
    usage: '/status',
    help: 'state, model and cost of the session',
    run: async ({ session }) => (session ? sessionDetails(await session.get()) : NO_SESSION),
  },
  queue: {
    usage: '/queue',
    help: 'messages that wait for their turn',
    run: ({ view }) =>
      view.queue
        .map(({ content }, index) => `${index + 1}. ${oneLine(partsText(content))}`)
        .join('\n') || 'No message waits.',
  },
  model: {
    usage: '/model NAME',
    help: 'use another model from the next step on; without a name, list them',
    run: async (chat, name, catalogue) => {
      if (!name) return modelList(catalogue);
      if (!catalogue.models.some((model) => model.name === name)) {
        return `There is no model "${name}".\n${modelList(catalogue)}`;
      }
      if (!chat.session)
        return `${NO_SESSION} Give the model with: npx perdure chat --model ${name}`;
      await chat.session.useModel(name);
      return modelLine(catalogue, name);
    },
  },
  stop: {
    usage: '/stop',
    help: 'end the session; your next message reopens it',
    run: async ({ session }) => {
      if (!session) return NO_SESSION;
      await session.stop();
      return 'Stopping …';
    },
  },
  new: {
    usage: '/new',
    help: 'begin another session with your next message; this one goes on',
    run: async (chat) => {
      await chat.leave();
      return 'Your next message begins a new session.';
    },
  },
};

const modelList = ({ models }: Catalogue): string =>
  models
    .map((model) => {
      const marks = [model.default && 'default', model.scripted && 'a script, not an AI'].filter(
        Boolean,
      );
      return `  ${model.name}${marks.length > 0 ? ` (${marks.join('; ')})` : ''}`;
    })
    .join('\n');

/** What a line means: a command, or undefined for a message. */
export function slashCommand(
  line: string,
): { command: SlashCommand | undefined; argument: string } | undefined {
  const match = /^\/([a-z]+)(?:\s+(.*))?$/.exec(line);
  if (!match) return undefined;
  const [, name = '', argument = ''] = match;
  const command = Object.hasOwn(SLASH_COMMANDS, name) ? SLASH_COMMANDS[name] : undefined;
  return { command, argument: argument.trim() };
}
