//! One constructor for each cause: subscribers of events.

use super::{Error, ErrorCode};

impl Error {
    pub(crate) fn duplicate_plugin(plugin: &str) -> Self {
        Self::new(ErrorCode::DuplicatePlugin, format!("two plugins are named `{plugin}`"))
    }

    pub(crate) fn subscriber_unknown(name: &str) -> Self {
        Self::new(
            ErrorCode::SubscriptionOutdated,
            format!(
                "`{name}` is not registered in the store: it was removed; a process that has it registers it again when it starts"
            ),
        )
    }

    pub(crate) fn subscription_outdated(name: &str, missing: &[&str]) -> Self {
        Self::new(
            ErrorCode::SubscriptionOutdated,
            format!(
                "`{name}` is registered for `{}`, which `{name}` of this process does not receive; its events wait for a process of the version that registered last",
                missing.join("`, `")
            ),
        )
    }
}
