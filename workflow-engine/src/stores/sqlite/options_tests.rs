//! Tests of the options of a SQLite store.

use super::*;

#[tokio::test]
async fn the_writing_connection_has_the_settings_of_the_options() {
    use sqlx::{ConnectOptions, Connection as _};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    for (synchronous, level) in [(Synchronous::Full, 2), (Synchronous::Normal, 1)] {
        let options = SqliteOptions { synchronous, ..SqliteOptions::new("store.db") };
        options.creator(&path).connect().await.unwrap().close().await.unwrap();
        let connection = options.writer(&path).unwrap();
        let number =
            |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("synchronous"), level);
        assert_eq!(number("foreign_keys"), 1);
        assert_eq!(number("wal_autocheckpoint"), 4_000);
        assert_eq!(number("temp_store"), 2);
        assert_eq!(number("cache_size"), i64::from(CACHE_SIZE));
        assert_eq!(number("busy_timeout"), 10_000);
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert!(connection.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).unwrap());
    }
}
