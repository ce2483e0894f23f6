const QUIET_MS = 10_000;

/** Prints what happens as one line per step: what, with what, how long it took. */
export class Account {
  #lastLine = performance.now();

  /** Runs a step and prints it when it is done; `detail` may depend on the answer. */
  async step<T>(name: string, detail: string | ((answer: T) => string), work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const answer = await work();
    this.line(name, typeof detail === 'string' ? detail : detail(answer), performance.now() - start);
    return answer;
  }

  line(name: string, detail: string, milliseconds?: number): void {
    this.#erase();
    console.log(format(name, detail, milliseconds));
    this.#lastLine = performance.now();
  }

  /** Shows how far a long step is: in place on a terminal, elsewhere as a line every ten seconds. */
  progress(name: string, detail: string, milliseconds: number): void {
    if (process.stdout.isTTY) {
      this.#erase();
      process.stdout.write(format(name, detail, milliseconds).slice(0, (process.stdout.columns || 80) - 1));
    } else if (performance.now() - this.#lastLine > QUIET_MS) {
      this.line(name, detail, milliseconds);
    }
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

function format(name: string, detail: string, milliseconds?: number): string {
  const time = milliseconds === undefined ? '' : duration(milliseconds);
  return `  ${name.padEnd(24)} ${detail.padEnd(60)} ${time.padStart(8)}`.trimEnd();
}

export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
