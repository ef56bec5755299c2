export type { PostgresConnection, PostgresPool, Query as PostgresQuery, Row as PostgresRow } from './connection.ts';
export { migrateAuditLog, type AuditLogMigration, type MigratedLog, type MigrationProgress } from './migrate-audit-log.ts';
export { openPostgresAuditStore, type PostgresAuditStoreOptions } from './postgres-audit-store.ts';
export { postgresHome, type PostgresHomeOptions } from './postgres-home.ts';
