//! A subscription: the events that a subscriber receives, and where it begins.

/// A subscriber with the types of events that concern it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The subscriber.
    pub subscriber: String,
    /// The stored names of the events that concern the subscriber.
    pub event_types: Vec<&'static str>,
}

/// The events with which a subscriber begins that is new to a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryStart {
    /// Those that are committed after its registration.
    #[default]
    Now,
    /// Every event that the store still has.
    Oldest,
}

/// What the registration of a subscriber has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The subscriber is new to the store.
    Added,
    /// The subscriber was registered with other types of events.
    Changed,
    /// The subscriber was registered with the same types of events.
    Unchanged,
}
