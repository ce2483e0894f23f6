import { Client, openClient } from './client.ts';
import { CliError, defineCommand } from './command.ts';
import { requireVersion } from './names.ts';
import { watchTraining } from './watch.ts';

const help = `Usage: ocellus progress VERSION-ARN
       ocellus progress PROJECT VERSION

Shows how a training goes until it ends: its stage, how much is done, images per second, the loss and the time that is
left. Waits for a server that restarts. Ctrl-C ends the watching, not the training.

Exit status 1 when the training failed.`;

export const progress = defineCommand(
  { help, options: {}, operands: { minimum: 1, maximum: 2 } },
  async ([first = '', second]): Promise<number> => {
    const opened = await openClient();
    const arn =
      second === undefined ? first : (await requireVersion(opened, first, second)).ProjectVersionArn!;
    const region = /^arn:[^:]*:rekognition:([^:]+):/.exec(arn)?.[1];
    if (region === undefined) throw new CliError(`"${arn}" is not the ARN of a version.\n\n${help}`, 2);
    // A signature is for one Region, and the ARN says which.
    const client = new Client({ ...opened.connection, region });
    const { status, statusMessage } = await watchTraining(client, arn);
    console.log(`${status}: ${statusMessage}`);
    return status === 'TRAINING_FAILED' ? 1 : 0;
  },
);
