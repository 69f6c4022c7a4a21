//! The machine's clock jumps ahead and back. Rows that are written in between become due after their own delay.
//!
//! On PostgreSQL, the clock of the database decides.

/// Runs each of the named `async fn(World)` as a test on the stores that take their instants from the machine's clock.
macro_rules! on_the_machines_clock {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(tests::world::World::memory().await).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(tests::world::World::sqlite().await).await;
            })+
        }
    };
}

mod instants;
mod engines;
mod processes;
