#!/usr/bin/env node
import type { Command } from './cli/command.ts';

/** The subcommands. Loaded when called, so that `--help` is quick. */
const commands: Record<string, { summary: string; load(): Promise<Command> }> = {
  serve: { summary: 'start the server', load: async () => (await import('./cli/serve.ts')).serve },
};

const help = `Ocellus trains and serves image models behind the API of Amazon Rekognition Custom Labels.

Usage: ocellus COMMAND

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}

"ocellus COMMAND --help" says more about a command.`;

async function main([name, ...rest]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(help);
    return 0;
  }
  const known = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!known) {
    console.error(`There is no command "${name}".\n\n${help}`);
    return 2;
  }
  return (await known.load())(rest);
}

process.exitCode = await main(process.argv.slice(2));
