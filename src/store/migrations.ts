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

/** In order of their names. A published migration is never edited; a change is a new one. */
const migrations: Record<string, Migration> = {
  '0001-first': first,
  '0002-copies-and-policies': copiesAndPolicies,
};

/** Brings the tables up to date. Throws when a migration fails or the database is of a newer Ocellus. */
export async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw new Error(`The database can't be brought up to date: ${error}`, { cause: error });
}
