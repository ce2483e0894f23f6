/** Prints what happens as one line per step: what, with what, how long it took. */
export class Account {
  /** Runs a step and prints it when it is done; `detail` may depend on the answer. */
  async step<T>(name: string, detail: string | ((answer: T) => string), work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    this.progress(name, typeof detail === 'string' ? detail : '');
    const answer = await work();
    this.line(name, typeof detail === 'string' ? detail : detail(answer), performance.now() - start);
    return answer;
  }

  line(name: string, detail: string, milliseconds?: number): void {
    this.#erase();
    const time = milliseconds === undefined ? '' : duration(milliseconds);
    console.log(`  ${name.padEnd(24)} ${detail.padEnd(52)} ${time.padStart(8)}`.trimEnd());
  }

  /** Shows the current state of a long step in place; says nothing where the output isn't a terminal. */
  progress(name: string, detail: string): void {
    if (!process.stdout.isTTY) return;
    this.#erase();
    const width = Math.max((process.stdout.columns || 80) - 1, 20);
    process.stdout.write(`  ${name.padEnd(24)} ${detail}`.slice(0, width));
  }

  heading(text: string): void {
    this.#erase();
    console.log(`\n${text}`);
  }

  table(rows: string[][]): void {
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    for (const row of rows) {
      const cells = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
      console.log(`  ${cells.join('   ')}`);
    }
  }

  #erase(): void {
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
  }
}

export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
