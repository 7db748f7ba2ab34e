//! Knows whether the bridge can do its work at this moment, and if not, why.

use std::sync::Mutex;

use serde_json::json;

/// The state of one thing that the bridge depends on: its trouble, where there is any.
#[derive(Debug)]
struct Part(Mutex<Option<String>>);

impl Part {
    fn new() -> Self {
        Self(Mutex::new(Some("not yet connected".to_owned())))
    }

    fn set(&self, trouble: Option<String>) {
        if let Ok(mut state) = self.0.lock() {
            *state = trouble;
        }
    }

    fn trouble(&self) -> Option<String> {
        self.0
            .lock()
            .map_or_else(|_| Some("unknown".to_owned()), |state| state.clone())
    }
}

/// The state of broker and database, as last seen.
#[derive(Debug)]
pub struct Status {
    broker: Part,
    database: Part,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            broker: Part::new(),
            database: Part::new(),
        }
    }
}

impl Status {
    /// The broker has confirmed the subscription.
    pub fn subscribed(&self) {
        self.broker.set(None);
    }

    /// There is no subscription, because of `trouble`.
    pub fn broker_failed(&self, trouble: String) {
        self.broker.set(Some(trouble));
    }

    /// The database did what was asked.
    pub fn database_answered(&self) {
        self.database.set(None);
    }

    /// The database did not do what was asked, because of `trouble`.
    pub fn database_failed(&self, trouble: String) {
        self.database.set(Some(trouble));
    }

    /// Whether the subscription is active.
    #[must_use]
    pub fn broker_up(&self) -> bool {
        self.broker.trouble().is_none()
    }

    /// Whether the database answered when it was last asked.
    #[must_use]
    pub fn database_up(&self) -> bool {
        self.database.trouble().is_none()
    }

    /// Whether messages flow, and the state of each part as JSON: `"ok"` or its trouble.
    #[must_use]
    pub fn readiness(&self) -> (bool, String) {
        let (broker, database) = (self.broker.trouble(), self.database.trouble());
        let ready = broker.is_none() && database.is_none();
        let word = |trouble: Option<String>| trouble.unwrap_or_else(|| "ok".to_owned());
        (
            ready,
            json!({ "broker": word(broker), "database": word(database) }).to_string(),
        )
    }
}
