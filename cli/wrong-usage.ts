/** Where a wrong use is pointed to: the help of the very command that was used. */
import type { Command } from 'commander';

/** Sub-commands inherit neither; without the exception Commander would exit with 1 for a wrong option. */
export function explainWrongUsage(command: Command, path = command.name()): void {
  const shows = command.commands.length > 0 ? 'lists the commands' : 'shows how it is used';
  command.exitOverride().showHelpAfterError(`(${path} --help ${shows})`);
  for (const inner of command.commands) explainWrongUsage(inner, `${path} ${inner.name()}`);
}
