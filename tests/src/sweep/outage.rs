//! An outage of the store for one process: its calls fail, while its bodies run on.

use std::sync::LazyLock;

use tokio::sync::watch;

static IS_CUT_OFF: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));
static BODIES: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Begins the outage.
pub fn begin() {
    IS_CUT_OFF.send_replace(true);
}

/// Ends the outage.
pub fn end() {
    IS_CUT_OFF.send_replace(false);
}

/// Returns whether the store is out of reach.
pub fn is_on() -> bool {
    *IS_CUT_OFF.borrow()
}

/// Does the work of a body that lasts as long as the outage.
pub async fn last_as_long() {
    if is_on() {
        BODIES.send_modify(|bodies| *bodies += 1);
        let _body = Body;
        // The sender is static, so this never fails.
        let _ = IS_CUT_OFF.subscribe().wait_for(|is_on| !is_on).await;
    }
}

/// A body that runs during the outage.
struct Body;

impl Drop for Body {
    fn drop(&mut self) {
        BODIES.send_modify(|bodies| *bodies -= 1);
    }
}

/// Waits until no body runs that began during the outage.
pub async fn bodies_stopped() {
    // The sender is static, so this never fails.
    let _ = BODIES.subscribe().wait_for(|bodies| *bodies == 0).await;
}
