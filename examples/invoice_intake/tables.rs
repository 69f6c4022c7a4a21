//! The program's own tables, in the database of the engine.

use serde::Deserialize;
use sqlx::AnyPool;
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use workflow_engine::RunId;

use crate::pipeline::Entry;

/// The tables, through a pool of the program.
#[derive(Clone)]
pub struct Tables(pub AnyPool);

/// What a person has decided about an invoice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub approved: bool,
    pub actor: String,
}

impl Tables {
    /// Opens the database, and brings the tables up to date.
    pub async fn open(db: &str) -> Result<Self, sqlx::Error> {
        install_default_drivers();
        let is_url = db.starts_with("postgres");
        let url = if is_url { db.to_owned() } else { format!("sqlite://{db}?mode=rwc") };
        let pool = AnyPoolOptions::new().max_connections(4).connect(&url).await?;
        sqlx::migrate!("invoice_intake/migrations").run(&pool).await?;
        Ok(Self(pool))
    }

    /// Returns the decision about one generation of a run, if there is one.
    pub async fn decision(&self, run_id: RunId, generation: u32) -> Result<Option<Decision>, sqlx::Error> {
        let decision = "SELECT approved, actor FROM decisions WHERE run_id = $1 AND generation = $2";
        let query = sqlx::query_as::<_, (i64, String)>(decision);
        let row = query.bind(run_id.to_string()).bind(i64::from(generation)).fetch_optional(&self.0).await?;
        Ok(row.map(|(approved, actor)| Decision { approved: approved != 0, actor }))
    }

    /// Stores a decision. The first one about a generation stays; returns whether this is it.
    pub async fn decide(&self, run_id: RunId, generation: u32, made: &Decision) -> Result<bool, sqlx::Error> {
        let insert = "INSERT INTO decisions (run_id, generation, approved, actor) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT DO NOTHING";
        let query = sqlx::query(insert).bind(run_id.to_string()).bind(i64::from(generation));
        let inserted = query.bind(i64::from(made.approved)).bind(&made.actor).execute(&self.0).await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Returns the whole ledger.
    pub async fn ledger(&self) -> Result<Vec<Entry>, sqlx::Error> {
        let entries = "SELECT invoice, supplier, cents, receipt FROM ledger ORDER BY invoice";
        sqlx::query_as(entries).fetch_all(&self.0).await
    }

    /// Stores a payment. Returns whether the token is new.
    pub async fn pay(&self, token: &str, account: &str, cents: i64) -> Result<bool, sqlx::Error> {
        let insert =
            "INSERT INTO payments (token, account, cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let query = sqlx::query(insert).bind(token).bind(account).bind(cents);
        Ok(query.execute(&self.0).await?.rows_affected() == 1)
    }
}
