/** What the pictures or the machine are to blame for, and not the program: the message is a sentence for users. */
export class TrainingError extends Error {
  override name = 'TrainingError';
}
