//! Statements outside the committers: reads, and writes that are one statement.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use tokio::sync::Semaphore;

use super::arrays::PgQuery;
use super::database::Database;
use super::failure::Failure;
use super::transaction::Transaction;
use crate::stores::Closed;
use crate::stores::commit::CommitFailure;

/// How often a statement is tried. A server that went away may have come back behind a pooler, which only the second try
/// shows.
const TRIES: u32 = 3;

impl Database {
    /// Runs one statement as its own transaction and returns its rows.
    ///
    /// `make` binds the arguments. It is called again where the connection turns out to be lost, which is harmless: the
    /// statement either only reads, or may be repeated.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        action: &'static str,
        make: impl Fn(&Self) -> PgQuery<'static> + Send,
    ) -> Result<Vec<PgRow>, Failure> {
        self.fetch_with(&self.readers, None, action, make).await
    }

    /// As [`fetch`](Self::fetch), when `places` has a place. With settings the statement runs in a transaction that begins
    /// with them.
    pub(super) async fn fetch_with(
        self: &Arc<Self>,
        places: &Semaphore,
        settings: Option<&'static str>,
        action: &'static str,
        make: impl Fn(&Self) -> PgQuery<'static> + Send,
    ) -> Result<Vec<PgRow>, Failure> {
        let Ok(_permit) = places.acquire().await else {
            return Err(Failure::permanent(action, Closed));
        };
        for _ in 1..TRIES {
            match self.try_fetch(settings, action, make(self)).await {
                Err(failure) if failure.is_disconnected() => {}
                outcome => return outcome,
            }
        }
        self.try_fetch(settings, action, make(self)).await
    }

    async fn try_fetch(
        self: &Arc<Self>,
        settings: Option<&'static str>,
        action: &'static str,
        query: PgQuery<'static>,
    ) -> Result<Vec<PgRow>, Failure> {
        let mut transaction = Transaction::new(Arc::clone(self), self.connection().await?);
        let fetched = async {
            if settings.is_none() && !self.sessions.are_shared() {
                return transaction.fetch_uncounted(action, query).await;
            }
            // An unnamed statement is prepared and run in two steps. A pooler keeps both in one session only within a
            // transaction.
            let rows = fetch_in_transaction(&mut transaction, settings, action, query).await;
            if rows.is_err() {
                // An open transaction would cost the pooler a session.
                let _ = transaction.roll_back().await;
            }
            rows
        };
        let fetched = match tokio::time::timeout(self.transaction_timeout, fetched).await {
            Ok(fetched) => fetched,
            Err(_) => Err(Failure::timed_out(action)),
        };
        match fetched {
            Ok(rows) => {
                transaction.release();
                Ok(rows)
            }
            Err(failure) => {
                if failure.is_disconnected() {
                    self.note_lost(&failure);
                }
                Err(failure)
            }
        }
    }
}

async fn fetch_in_transaction(
    transaction: &mut Transaction,
    settings: Option<&'static str>,
    action: &'static str,
    query: PgQuery<'static>,
) -> Result<Vec<PgRow>, Failure> {
    match settings {
        None => transaction.begin().await?,
        Some(settings) => transaction.begin_with(settings).await?,
    }
    let rows = transaction.fetch_uncounted(action, query).await?;
    transaction.commit().await?;
    Ok(rows)
}
