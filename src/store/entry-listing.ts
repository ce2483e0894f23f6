import { sql } from 'kysely';
import type { Database } from './schema.ts';

/** Which entries to list: all conditions that are there must hold. */
export interface EntryFilter {
  /** At least one of these labels. */
  labels?: string[];
  labeled?: boolean;
  hasErrors?: boolean;
  /** A part of `source-ref`, case and all. */
  sourceRefContains?: string;
}

export interface ListedEntry {
  position: number;
  line: string;
  labeled: boolean;
  hasFindings: boolean;
}

/**
 * Entries that pass the filter, in order, after the position `after`. Each combination of label and flags is one
 * stretch of an index that is sorted by position, so that a page reads no more rows than it shows, however many there
 * are; only a text in `source-ref` has to be looked for in every row of the narrow table.
 */
export async function listEntries(
  database: Database,
  datasetId: number,
  filter: EntryFilter,
  { after, limit }: { after: number; limit: number },
): Promise<ListedEntry[]> {
  const page = { datasetId, after, limit, text: filter.sourceRefContains };
  const found = new Set<number>();
  for (const stretch of stretches(filter)) {
    const rows = await ('label' in stretch
      ? positionsOfLabel(database, page, stretch)
      : positionsOfEntries(database, page, stretch));
    for (const { position } of rows) found.add(position);
  }
  const positions = [...found].sort((a, b) => a - b).slice(0, limit);
  return await readLines(database, datasetId, positions);
}

interface Page {
  datasetId: number;
  after: number;
  limit: number;
  text?: string;
}

interface LabelStretch {
  label: string;
  errors: number;
}

interface EntryStretch {
  labeled?: number;
  errors?: number;
}

function stretches({ labels, labeled, hasErrors }: EntryFilter): (LabelStretch | EntryStretch)[] {
  const values = (flag: boolean | undefined) => (flag === undefined ? [0, 1] : [Number(flag)]);
  if (labels) {
    // An entry with a usable label is labelled.
    if (labeled === false) return [];
    return [...new Set(labels)].flatMap((label) => values(hasErrors).map((errors) => ({ label, errors })));
  }
  if (labeled === undefined && hasErrors === undefined) return [{}];
  return values(labeled).flatMap((of) => values(hasErrors).map((errors) => ({ labeled: of, errors })));
}

/** SQLite's `instr`; `strpos` elsewhere. LIKE would take capital and small letters for the same. */
const contains = (text: string) => sql<boolean>`instr(entry.source_ref, ${text}) > 0`;

async function positionsOfLabel(database: Database, page: Page, { label, errors }: LabelStretch) {
  let query = database
    .selectFrom('datasetLabels as own')
    .select('own.position')
    .where('own.datasetId', '=', page.datasetId)
    .where('own.label', '=', label)
    .where('own.errors', '=', errors)
    .where('own.position', '>', page.after);
  if (page.text !== undefined) {
    query = query
      .innerJoin('datasetEntries as entry', (join) =>
        join.onRef('entry.datasetId', '=', 'own.datasetId').onRef('entry.position', '=', 'own.position'),
      )
      .where(contains(page.text));
  }
  return await query.orderBy('own.position').limit(page.limit).execute();
}

async function positionsOfEntries(database: Database, page: Page, { labeled, errors }: EntryStretch) {
  let query = database
    .selectFrom('datasetEntries as entry')
    .select('entry.position')
    .where('entry.datasetId', '=', page.datasetId)
    .where('entry.position', '>', page.after);
  if (labeled !== undefined) query = query.where('entry.labeled', '=', labeled);
  if (errors !== undefined) query = query.where('entry.errors', '=', errors);
  if (page.text !== undefined) query = query.where(contains(page.text));
  return await query.orderBy('entry.position').limit(page.limit).execute();
}

async function readLines(database: Database, datasetId: number, positions: number[]): Promise<ListedEntry[]> {
  if (positions.length === 0) return [];
  const rows = await database
    .selectFrom('datasetEntries as entry')
    .innerJoin('datasetLines as text', (join) =>
      join.onRef('text.datasetId', '=', 'entry.datasetId').onRef('text.position', '=', 'entry.position'),
    )
    .select(['entry.position', 'text.line', 'entry.labeled', 'entry.findings'])
    .where('entry.datasetId', '=', datasetId)
    .where('entry.position', 'in', positions)
    .orderBy('entry.position')
    .execute();
  return rows.map(({ position, line, labeled, findings }) => ({
    position,
    line,
    labeled: labeled === 1,
    hasFindings: findings === 1,
  }));
}

/** A label with the number of entries that have it, and of those that have it on a bounding box. */
export interface LabelCount {
  label: string;
  entries: number;
  boxedEntries: number;
}

/** The labels of a data set in alphabetical order. There are few: a manifest may have 250. */
export async function listLabels(database: Database, datasetId: number): Promise<LabelCount[]> {
  return await database
    .selectFrom('datasetLabelCounts')
    .select(['label', 'entries', 'boxedEntries'])
    .where('datasetId', '=', datasetId)
    .orderBy('label')
    .execute();
}
