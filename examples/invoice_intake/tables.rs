//! The program's own tables, in the database of the engine.

use sqlx::AnyPool;
use sqlx::any::{AnyPoolOptions, install_default_drivers};

use crate::pipeline::Entry;

/// The tables, through a pool of the program.
#[derive(Clone)]
pub struct Tables(pub AnyPool);

impl Tables {
    /// Opens the database, and brings the tables up to date.
    pub async fn open(db: &str) -> Result<Self, sqlx::Error> {
        install_default_drivers();
        let file = format!("sqlite://{db}?mode=rwc");
        let url = if db.starts_with("postgres") { db } else { &file };
        let pool = AnyPoolOptions::new().max_connections(4).connect(url).await?;
        sqlx::migrate!("invoice_intake/migrations").run(&pool).await?;
        Ok(Self(pool))
    }

    /// Returns the whole ledger.
    pub async fn ledger(&self) -> Result<Vec<Entry>, sqlx::Error> {
        let entries = "SELECT invoice, supplier, cents, receipt FROM ledger ORDER BY invoice";
        sqlx::query_as(entries).fetch_all(&self.0).await
    }

    /// Stores a payment. Returns whether the token is new.
    pub async fn pay(&self, token: &str, account: &str, cents: i64) -> Result<bool, sqlx::Error> {
        let sql = "INSERT INTO payments (token, account, cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let query = sqlx::query(sql).bind(token).bind(account).bind(cents);
        Ok(query.execute(&self.0).await?.rows_affected() == 1)
    }
}
