//! Decides what becomes of a delivery once it has been tried, and how webhooks are signed.
//!
//! Whoever sends reports facts; [`outcome`] makes a decision of them and [`schedule`] says when the
//! next attempt is due. [`signature`] is the signature of Standard Webhooks 1.0. What is sent, to
//! whom and by whom, and where its state is kept, is left to others.

pub mod outcome;
pub mod schedule;
pub mod signature;

use std::fmt;

use thiserror::Error;

/// How something leaves, which is also how its attempts end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Mail, handed over by SMTP or to a provider's HTTP API.
    Email,
    /// An HTTP POST as Standard Webhooks has it.
    Webhook,
    /// Work inside the database.
    Job,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Email, Self::Webhook, Self::Job];

    /// The word that stands for the channel.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Job => "job",
        }
    }

    /// The channel that a word stands for.
    ///
    /// # Errors
    /// [`DeliveryError::ChannelUnknown`] when it stands for none.
    pub fn parse(word: &str) -> Result<Self, DeliveryError> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.word() == word)
            .ok_or_else(|| DeliveryError::ChannelUnknown(word.chars().take(20).collect()))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Why nothing can be decided.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeliveryError {
    /// No such channel.
    #[error("{0:?} is no channel whose attempts are scheduled: email, webhook and job are")]
    ChannelUnknown(String),
    /// A decision needs this.
    #[error("a decision needs the argument {0}, which is null")]
    ArgumentMissing(&'static str),
}

impl DeliveryError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ChannelUnknown(_) => "delivery.channel_unknown",
            Self::ArgumentMissing(_) => "delivery.argument_missing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_what_its_word_says() {
        for channel in Channel::ALL {
            assert_eq!(Channel::parse(&channel.to_string()), Ok(channel));
        }
        let unknown = Channel::parse("a pigeon, of the fast kind").expect_err("no channel");
        assert_eq!(unknown.code(), "delivery.channel_unknown");
        assert!(unknown.to_string().starts_with("\"a pigeon, of the fas\""));
    }
}
