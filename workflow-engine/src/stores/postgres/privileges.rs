//! What the role of a store may do: looked up before anything is created or used, so that an error names the right that
//! is missing and the command that grants it.

use sqlx::{PgConnection, Row};

use super::failure::{Failure, MissingPrivilege};

/// What the server says about the schema and the role.
#[allow(clippy::struct_excessive_bools, reason = "one row of the catalogs")]
pub(super) struct Privileges {
    role: String,
    database: String,
    schema: String,
    may_create_schemas: bool,
    pub(super) has_schema: bool,
    may_use_schema: bool,
    may_create_tables: bool,
    pub(super) has_migrations: bool,
}

/// Reads the catalogs alone, which needs no right.
const LOOK_UP: &str = "
    SELECT current_user::text, current_database()::text, has_database_privilege(current_database(), 'CREATE'),
        s.oid IS NOT NULL, coalesce(has_schema_privilege(s.oid, 'USAGE'), FALSE),
        coalesce(has_schema_privilege(s.oid, 'CREATE'), FALSE),
        EXISTS (SELECT FROM pg_class AS t WHERE t.relnamespace = s.oid AND t.relname = 'workflow_migrations')
    FROM (VALUES ($1)) AS named (name) LEFT JOIN pg_namespace AS s ON s.nspname = named.name::name";

/// The tables that the role may not read or write.
const CLOSED_TABLES: &str = "
    SELECT t.relname::text FROM pg_class AS t
    JOIN pg_namespace AS s ON s.oid = t.relnamespace
    CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS needed (privilege)
    WHERE s.nspname = $1 AND t.relname = ANY ($2) AND NOT has_table_privilege(t.oid, needed.privilege)
        AND (t.relname <> 'workflow_migrations' OR needed.privilege = 'SELECT')
    ORDER BY t.relname LIMIT 1";

const ACTION: &str = "open the database";

impl Privileges {
    /// Looks up what the connection's role may do with the schema.
    pub(super) async fn look_up(connection: &mut PgConnection, schema: &str) -> Result<Self, Failure> {
        let failed = |error| Failure::database(ACTION, error);
        let query = sqlx::query(LOOK_UP).persistent(false).bind(schema);
        let row = query.fetch_one(connection).await.map_err(failed)?;
        let flag = |column: usize| row.try_get::<bool, _>(column).map_err(failed);
        Ok(Self {
            role: row.try_get(0).map_err(failed)?,
            database: row.try_get(1).map_err(failed)?,
            schema: schema.to_owned(),
            may_create_schemas: flag(2)?,
            has_schema: flag(3)?,
            may_use_schema: flag(4)?,
            may_create_tables: flag(5)?,
            has_migrations: flag(6)?,
        })
    }

    /// Fails unless the role may see what is in the schema.
    pub(super) fn check_usage(&self) -> Result<(), Failure> {
        let Self { role, schema, .. } = self;
        if !self.has_schema || self.may_use_schema {
            return Ok(());
        }
        let grant = format!("GRANT USAGE ON SCHEMA {schema} TO \"{role}\"");
        Err(self.missing(&format!("may not use the schema `{schema}`"), &grant))
    }

    /// Fails unless the role may create the schema, or tables in it.
    pub(super) fn check_create(&self) -> Result<(), Failure> {
        let Self { role, database, schema, .. } = self;
        if !self.has_schema && !self.may_create_schemas {
            let what = format!("may not create the schema `{schema}` in the database `{database}`");
            return Err(self.missing(&what, &format!("CREATE SCHEMA {schema} AUTHORIZATION \"{role}\"")));
        }
        if self.has_schema && !self.may_create_tables {
            let what = format!(
                "may not create tables in the schema `{schema}`, which are missing or of an older version"
            );
            return Err(self.missing(&what, &format!("GRANT USAGE, CREATE ON SCHEMA {schema} TO \"{role}\"")));
        }
        Ok(())
    }

    /// Fails unless the role may read and write `tables`.
    pub(super) async fn check_tables(
        &self,
        connection: &mut PgConnection,
        tables: &[&str],
    ) -> Result<(), Failure> {
        let Self { role, schema, .. } = self;
        let query = sqlx::query(CLOSED_TABLES).persistent(false).bind(schema).bind(tables);
        let closed = query.fetch_optional(connection).await;
        let Some(row) = closed.map_err(|error| Failure::database(ACTION, error))? else { return Ok(()) };
        let table: String = row.try_get(0).map_err(|error| Failure::database(ACTION, error))?;
        let what = format!("may not read and write the table `{schema}.{table}`");
        let grant =
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO \"{role}\"");
        Err(self.missing(&what, &grant))
    }

    fn missing(&self, what: &str, command: &str) -> Failure {
        Failure::missing_privilege(
            ACTION,
            MissingPrivilege { role: self.role.clone(), what: what.to_owned(), command: command.to_owned() },
        )
    }
}
