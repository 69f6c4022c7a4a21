//! The subscribers of events in this process: the sink and the plugins.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;

use super::local_executor::panic_text;
use super::recovery::Recovery;
use crate::error::Error;
use crate::ports::{BatchError, Clock, DeliveryPolicy, EventSink, Plugin, Registration, Store, Subscription};
use crate::records::{Event, EventType};
use crate::value::limits::truncate;

/// The name under which the sink's deliveries are stored.
const SINK: &str = "sink";
/// The longest name of a plugin, in bytes.
const MAX_NAME_BYTES: usize = 100;

/// All subscribers.
#[derive(Default)]
pub(super) struct Subscribers(Vec<Arc<Subscriber>>);

/// The sink or a plugin.
pub(super) struct Subscriber {
    pub(super) subscription: Subscription,
    pub(super) policy: DeliveryPolicy,
    target: Target,
    recovery: Mutex<Recovery>,
}

enum Target {
    Sink(Arc<dyn EventSink>),
    Plugin(Arc<dyn Plugin>),
}

impl Subscribers {
    pub(super) fn new(sink: Option<&Arc<dyn EventSink>>, plugins: &[Arc<dyn Plugin>]) -> Self {
        let sink = sink
            .map(|sink| Subscriber::new(SINK, EventType::ALL, sink.policy(), Target::Sink(Arc::clone(sink))));
        let plugins = plugins.iter().map(|plugin| {
            let target = Target::Plugin(Arc::clone(plugin));
            Subscriber::new(plugin.name(), plugin.event_types(), plugin.policy(), target)
        });
        Self(sink.into_iter().chain(plugins).map(Arc::new).collect())
    }

    pub(super) fn all(&self) -> &[Arc<Subscriber>] {
        &self.0
    }

    /// Registers the subscribers in the store.
    pub(super) async fn register(&self, store: &dyn Store) -> Result<(), Error> {
        for subscriber in &self.0 {
            let (subscription, start) = (&subscriber.subscription, subscriber.policy.start);
            match store.register_subscriber(subscription, start).await? {
                Registration::Added => {
                    tracing::info!(
                        subscriber = subscription.subscriber,
                        "a subscriber of events is new to the store"
                    );
                }
                Registration::Changed => tracing::info!(
                    subscriber = subscription.subscriber,
                    "a subscriber has other event types than before; processes that lack one of them no longer deliver to it"
                ),
                Registration::Unchanged => {}
            }
        }
        Ok(())
    }
}

/// Checks the policies of subscribers and the names of plugins.
///
/// # Errors
/// `INVALID_REQUEST` for a name that is empty, too long, has control characters or is the sink's, and for a policy that
/// delivers nothing; `DUPLICATE_PLUGIN` where two plugins have the same name.
pub(crate) fn check_subscribers(
    sink: Option<&Arc<dyn EventSink>>,
    plugins: &[Arc<dyn Plugin>],
) -> Result<(), Error> {
    if let Some(sink) = sink {
        check_policy(SINK, &sink.policy())?;
    }
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
        check_policy(name, &plugin.policy())?;
    }
    Ok(())
}

fn check_policy(name: &str, policy: &DeliveryPolicy) -> Result<(), Error> {
    let zero = [
        (policy.concurrency == 0, "concurrency"),
        (policy.max_batch == 0, "max_batch"),
        (policy.timeout.is_zero(), "timeout"),
    ];
    match zero.into_iter().find(|(is_zero, _)| *is_zero) {
        Some((_, field)) => Err(Error::invalid_request(format!(
            "the delivery policy of `{name}` has a `{field}` of 0, so nothing would be delivered"
        ))),
        None => Ok(()),
    }
}

/// A refusal of one or more events.
pub(super) struct Refusal {
    /// The number of events before the refused one that were handled; `None` where the events were refused as a whole.
    pub(super) handled: Option<usize>,
    /// The reason.
    pub(super) error: String,
}

impl Subscriber {
    fn new(name: &str, event_types: &[EventType], policy: DeliveryPolicy, target: Target) -> Self {
        let event_types = event_types.iter().map(|event_type| event_type.name()).collect();
        let subscription = Subscription { subscriber: name.to_owned(), event_types };
        Self { subscription, policy, target, recovery: Mutex::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.subscription.subscriber
    }

    /// Returns what is known of the subscriber's refusals.
    pub(super) fn recovery(&self) -> MutexGuard<'_, Recovery> {
        self.recovery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers events: at least one, and at most the policy's `max_batch`. It is a refusal, too, where the subscriber
    /// panics or times out.
    pub(super) async fn deliver(&self, events: &[Event], clock: &dyn Clock) -> Result<(), Refusal> {
        let is_batched = self.policy.max_batch > 1;
        let delivery = async {
            match (&self.target, events) {
                (Target::Sink(sink), [event]) if !is_batched => {
                    sink.deliver(event).await.map_err(BatchError::whole)
                }
                (Target::Plugin(plugin), [event]) if !is_batched => {
                    plugin.handle(event).await.map_err(BatchError::whole)
                }
                (Target::Sink(sink), events) => sink.deliver_batch(events).await,
                (Target::Plugin(plugin), events) => plugin.handle_batch(events).await,
            }
        };
        let timeout = self.policy.timeout;
        let (handled, error) = tokio::select! {
            biased;
            delivered = AssertUnwindSafe(delivery).catch_unwind() => match delivered {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(BatchError { handled, error })) => (handled, error.to_string()),
                Err(panic) => (None, format!("panicked: {}", panic_text(&*panic))),
            },
            () = clock.sleep(timeout) => (None, format!("timed out after {timeout:?}")),
        };
        // A single event is refused itself.
        let handled =
            if events.len() == 1 { Some(0) } else { handled.map(|handled| handled.min(events.len() - 1)) };
        Err(Refusal { handled, error: truncate::error_text(&error) })
    }
}
