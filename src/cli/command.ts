import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { BackboneError } from '../backbones/error.ts';
import { ManifestError } from '../manifest/codes.ts';
import { ConvertError } from '../manifest/convert/annotations.ts';
import { ObjectError } from '../objects/objects.ts';

/** A subcommand: takes the arguments after its name and answers with the exit status. */
export type Command = (args: string[]) => Promise<number>;

/** Something that the person at the terminal can act upon. The message is all that is printed. */
export class CliError extends Error {
  readonly status: number;

  /** @param status exit status: 1 when the work failed, 2 when the command line is wrong */
  constructor(message: string, status: 1 | 2 = 1) {
    super(message);
    this.name = 'CliError';
    this.status = status;
  }
}

interface Form<Options extends ParseArgsOptionsConfig> {
  /** What `--help` prints. */
  help: string;
  options: Options;
  /** How many arguments beside the options there may be. */
  operands: { minimum: number; maximum: number };
}

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true }>
>['values'];

/**
 * A subcommand with options (`--help` is added): reads the line, runs, and turns what went wrong into a sentence. `run`
 * answers with the exit status, 0 when it says nothing.
 */
export function defineCommand<const Options extends ParseArgsOptionsConfig>(
  { help, options, operands }: Form<Options>,
  run: (operands: string[], values: Values<Options>) => Promise<number | undefined>,
): Command {
  return async (args) => {
    // Before the rest is looked at: whoever asks for help may have half a line.
    if (args.includes('--help') || args.includes('-h')) {
      console.log(help);
      return 0;
    }
    try {
      const { values, positionals } = readLine(args, options, operands, help);
      return (await run(positionals, values)) ?? 0;
    } catch (error) {
      if (!isForUsers(error)) throw error;
      console.error(error.message);
      return error instanceof CliError ? error.status : 1;
    }
  };
}

function readLine<Options extends ParseArgsOptionsConfig>(
  args: string[],
  options: Options,
  { minimum, maximum }: Form<Options>['operands'],
  help: string,
): { values: Values<Options>; positionals: string[] } {
  let parsed: { values: Values<Options>; positionals: string[] };
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new CliError(`${(error as Error).message}\n\n${help}`, 2);
  }
  const { length } = parsed.positionals;
  if (length < minimum) throw new CliError(`Something is missing.\n\n${help}`, 2);
  if (length > maximum) {
    throw new CliError(`That is too much: "${parsed.positionals[maximum]}".\n\n${help}`, 2);
  }
  return parsed;
}

/** What the system refuses (no space, no right, a folder in the way) names its path and is for users, too. */
function isForUsers(error: unknown): error is Error {
  if (error instanceof Error && 'syscall' in error) return true;
  return [CliError, BackboneError, ConvertError, ManifestError, ObjectError].some(
    (type) => error instanceof type,
  );
}

/** Commands by name, loaded when called so that `--help` is quick. */
export type CommandTable = Record<string, { summary: string; load(): Promise<Command> }>;

/** A command that is made of others: `ocellus`, `ocellus dataset`. `name` is what is typed before them. */
export function commandGroup(name: string, intro: string, commands: CommandTable): Command {
  const width = Math.max(...Object.keys(commands).map(({ length }) => length)) + 2;
  const list = Object.entries(commands).map(([one, { summary }]) => `  ${one.padEnd(width)}${summary}`);
  const help = `${intro}

Usage: ${name} COMMAND

Commands:
${list.join('\n')}

"${name} COMMAND --help" says more about a command.`;
  return async ([first, ...rest]) => {
    if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
      console.log(help);
      return 0;
    }
    const known = Object.hasOwn(commands, first) ? commands[first] : undefined;
    if (!known) {
      console.error(`There is no command "${first}".\n\n${help}`);
      return 2;
    }
    return (await known.load())(rest);
  };
}
