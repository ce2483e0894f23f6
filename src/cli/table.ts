/** Rows in columns; the first is left-aligned, and so are others whose every cell but the head is no number. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]!.map((_, column) => rows.map((row) => row[column]!));
  const widths = columns.map((cells) => Math.max(...cells.map(({ length }) => length)));
  const numeric = columns.map((cells) => cells.slice(1).every((cell) => /^[\d.,%\s-]*$/.test(cell)));
  const format = (cell: string, column: number) =>
    numeric[column] && column > 0 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
  return rows.map((row) => row.map(format).join('   ').trimEnd()).join('\n');
}

/** `1 image`, `2 images`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Local time, to the minute. */
export function formatTime(epochSeconds: number | undefined): string {
  if (epochSeconds === undefined) return '';
  const date = new Date(epochSeconds * 1000);
  const pad = (part: number) => String(part).padStart(2, '0');
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join('-');
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}
