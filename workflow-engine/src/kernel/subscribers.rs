//! The subscribers of events in this process: the sink and the plugins.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::local_executor::panic_text;
use crate::error::Error;
use crate::ports::{Clock, DeliveryPolicy, EventSink, Plugin, Subscription};
use crate::records::{Event, EventType};
use crate::value::limits::truncate;

/// The name under which the sink's deliveries are stored.
const SINK: &str = "sink";
/// The longest name of a plugin, in bytes.
const MAX_NAME_BYTES: usize = 100;

/// All subscribers.
#[derive(Default)]
pub(super) struct Subscribers {
    all: Vec<Subscriber>,
    subscriptions: Vec<Subscription>,
}

/// The sink or a plugin.
pub(super) struct Subscriber {
    pub(super) name: String,
    pub(super) policy: DeliveryPolicy,
    target: Target,
}

enum Target {
    Sink(Arc<dyn EventSink>),
    Plugin(Arc<dyn Plugin>),
}

impl Subscribers {
    pub(super) fn new(sink: Option<&Arc<dyn EventSink>>, plugins: &[Arc<dyn Plugin>]) -> Self {
        let sink = sink.map(|sink| {
            // The sink is a subscriber like the plugins, but its deliveries are retried without end.
            let policy = DeliveryPolicy { max_retries: None, ..DeliveryPolicy::default() };
            let subscriber = Subscriber { name: SINK.into(), policy, target: Target::Sink(Arc::clone(sink)) };
            (subscriber, EventType::ALL)
        });
        let plugins = plugins.iter().map(|plugin| {
            let (name, policy) = (plugin.name().to_owned(), plugin.policy());
            (Subscriber { name, policy, target: Target::Plugin(Arc::clone(plugin)) }, plugin.event_types())
        });
        let mut subscribers = Self::default();
        for (subscriber, event_types) in sink.into_iter().chain(plugins) {
            let event_types = event_types.iter().map(|event_type| event_type.name()).collect();
            let name = subscriber.name.clone();
            subscribers.subscriptions.push(Subscription { subscriber: name, event_types });
            subscribers.all.push(subscriber);
        }
        subscribers
    }

    pub(super) fn all(&self) -> &[Subscriber] {
        &self.all
    }

    /// Returns the event types that each subscriber receives.
    pub(super) fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }
}

/// Checks the names of plugins.
///
/// # Errors
/// `INVALID_REQUEST` for a name that is empty, too long, has control characters or is the sink's; `DUPLICATE_PLUGIN`
/// where two plugins have the same name.
pub(crate) fn check_plugins(plugins: &[Arc<dyn Plugin>]) -> Result<(), Error> {
    for (number, plugin) in plugins.iter().enumerate() {
        let name = plugin.name();
        if name.is_empty()
            || name.len() > MAX_NAME_BYTES
            || name.chars().any(char::is_control)
            || name == SINK
        {
            return Err(Error::invalid_request(format!(
                "a plugin's name must have 1 to {MAX_NAME_BYTES} bytes and no control characters, and must not be \
                 `{SINK}`"
            )));
        }
        if plugins[..number].iter().any(|other| other.name() == name) {
            return Err(Error::duplicate_plugin(name));
        }
    }
    Ok(())
}

impl Subscriber {
    /// Delivers one event. Returns the reason where the subscriber returns an error, panics or times out.
    pub(super) async fn deliver(&self, event: &Event, clock: &dyn Clock) -> Result<(), String> {
        let delivery = async {
            match &self.target {
                Target::Sink(sink) => sink.deliver(event).await,
                Target::Plugin(plugin) => plugin.handle(event).await,
            }
        };
        let refusal = tokio::select! {
            biased;
            delivered = AssertUnwindSafe(delivery).catch_unwind() => match delivered {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(panic) => format!("panicked: {}", panic_text(&*panic)),
            },
            () = clock.sleep(self.policy.timeout) => format!("timed out after {:?}", self.policy.timeout),
        };
        Err(truncate::error_text(&refusal))
    }
}
