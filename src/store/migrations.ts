import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Database } from './schema.ts';

// Migrations see the tables of their own time, so they are not typed by today's schema.
type AnyDatabase = Kysely<unknown>;

const first: Migration = {
  async up(db: AnyDatabase) {
    await db.schema
      .createTable('projects')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('arn', 'text', (c) => c.notNull().unique())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('region', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addUniqueConstraint('projects_name', ['account', 'region', 'name'])
      .execute();
    await db.schema
      .createTable('project_versions')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('arn', 'text', (c) => c.notNull().unique())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('status_message', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('training_ended_at', 'bigint')
      .addColumn('min_inference_units', 'integer')
      .addColumn('max_inference_units', 'integer')
      .addColumn('request', 'text', (c) => c.notNull())
      .addColumn('outcome', 'text')
      .addUniqueConstraint('project_versions_name', ['project_id', 'name'])
      .execute();
    await db.schema
      .createTable('tags')
      .addColumn('resource_arn', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('tags_key', ['resource_arn', 'key'])
      .execute();
    await db.schema
      .createTable('clock')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('last_time', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('secrets')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('value', 'text', (c) => c.notNull())
      .execute();
  },
};

const copiesAndPolicies: Migration = {
  async up(db: AnyDatabase) {
    await db.schema.alterTable('project_versions').addColumn('source_id', 'text').execute();
    await db.schema.alterTable('project_versions').addColumn('source_arn', 'text').execute();
    await db.schema
      .createTable('project_policies')
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('revision_id', 'text', (c) => c.notNull())
      .addColumn('document', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('project_policies_key', ['project_id', 'name'])
      .execute();
  },
};

/** One row per image in `dataset_entries`, narrow so that it is scanned fast; its text is in `dataset_lines`. */
const datasets: Migration = {
  async up(db: AnyDatabase) {
    await db.schema
      .createTable('datasets')
      .addColumn('id', 'bigint', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('arn', 'text', (c) => c.notNull().unique())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('status_message', 'text', (c) => c.notNull())
      .addColumn('status_code', 'text')
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .addColumn('job', 'text')
      .addColumn('last_position', 'integer', (c) => c.notNull())
      .addColumn('total_entries', 'integer', (c) => c.notNull())
      .addColumn('labeled_entries', 'integer', (c) => c.notNull())
      .addColumn('error_entries', 'integer', (c) => c.notNull())
      .addUniqueConstraint('datasets_type', ['project_id', 'type'])
      .execute();
    await db.schema
      .createTable('dataset_entries')
      .addColumn('dataset_id', 'bigint', (c) => c.notNull())
      .addColumn('position', 'integer', (c) => c.notNull())
      .addColumn('source_ref', 'text', (c) => c.notNull())
      .addColumn('labeled', 'integer', (c) => c.notNull())
      .addColumn('errors', 'integer', (c) => c.notNull())
      .addColumn('findings', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('dataset_entries_key', ['dataset_id', 'position'])
      .addUniqueConstraint('dataset_entries_source', ['dataset_id', 'source_ref'])
      .execute();
    await db.schema
      .createIndex('dataset_entries_filter')
      .on('dataset_entries')
      .columns(['dataset_id', 'labeled', 'errors', 'position'])
      .execute();
    await db.schema
      .createTable('dataset_lines')
      .addColumn('dataset_id', 'bigint', (c) => c.notNull())
      .addColumn('position', 'integer', (c) => c.notNull())
      .addColumn('line', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('dataset_lines_key', ['dataset_id', 'position'])
      .execute();
    await db.schema
      .createTable('dataset_labels')
      .addColumn('dataset_id', 'bigint', (c) => c.notNull())
      .addColumn('label', 'text', (c) => c.notNull())
      .addColumn('errors', 'integer', (c) => c.notNull())
      .addColumn('position', 'integer', (c) => c.notNull())
      .addColumn('boxed', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('dataset_labels_key', ['dataset_id', 'label', 'errors', 'position'])
      .execute();
    await db.schema
      .createIndex('dataset_labels_entry')
      .on('dataset_labels')
      .columns(['dataset_id', 'position'])
      .execute();
    await db.schema
      .createTable('dataset_label_counts')
      .addColumn('dataset_id', 'bigint', (c) => c.notNull())
      .addColumn('label', 'text', (c) => c.notNull())
      .addColumn('entries', 'integer', (c) => c.notNull())
      .addColumn('boxed_entries', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('dataset_label_counts_key', ['dataset_id', 'label'])
      .execute();
    await db.schema
      .createTable('dataset_changes')
      .addColumn('dataset_id', 'bigint', (c) => c.primaryKey())
      .addColumn('lines', 'text', (c) => c.notNull())
      .execute();
  },
};

/** In order of their names. A published migration is never edited; a change is a new one. */
const migrations: Record<string, Migration> = {
  '0001-first': first,
  '0002-copies-and-policies': copiesAndPolicies,
  '0003-datasets': datasets,
};

/** Brings the tables up to date. Throws when a migration fails or the database is of a newer Ocellus. */
export async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw new Error(`The database can't be brought up to date: ${error}`, { cause: error });
}
