import { parseArgs } from 'node:util';

/** A subcommand: takes the arguments after its name and answers with the exit status. */
export type Command = (args: string[]) => Promise<number>;

/**
 * For commands without options of their own: prints `help` and returns 0 when it was asked for, explains and
 * returns 2 when there is anything else on the line, and returns undefined when the command should go on.
 */
export function parseHelpOnly(args: string[], help: string): number | undefined {
  try {
    const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } });
    if (!values.help) return undefined;
    console.log(help);
    return 0;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
}
