//! Decides whether a request may go on, or has to wait, and what a limit is.
//!
//! A limit is a window such as `100/1m burst 20`; what it limits is counted in a bucket of its own.
//! [`gcra`] asks all buckets of a request and charges all of them or none. [`text`] is how people
//! write limits, [`action`] what a request is called. Who is counted, and where the buckets are
//! kept, is left to others.

pub mod action;
pub mod gcra;
pub mod text;
pub mod window;

use thiserror::Error;

/// The most buckets that one request is counted in. Requests have four to eight; this is what they
/// come to when a request belongs to several tenants with as many limits as there can be.
pub const BUCKETS_MAX: usize = 256;

/// Why a text is no limit, or a request cannot be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LimitError {
    /// Something else stands where the grammar goes on.
    #[error("at character {position}: expected {wanted}")]
    Expected {
        /// The character, counted from 1.
        position: usize,
        /// What the grammar allows there.
        wanted: &'static str,
    },
    /// There is no such number, or it is too large.
    #[error("at character {position}: expected a whole number from 1 to {max}")]
    Number {
        /// The first character of the number, counted from 1.
        position: usize,
        /// The largest number that may stand there.
        max: u32,
    },
    /// The window lets more through than can be told apart in microseconds.
    #[error(
        "at character {position}: expected at most {} a second",
        window::PER_SECOND_MAX
    )]
    TooFast {
        /// The first character of the window, counted from 1.
        position: usize,
    },
    /// Two windows of one period, of which one would never matter.
    #[error("at character {position}: expected a period that no other limit of the list has")]
    PeriodTwice {
        /// The first character of the second period, counted from 1.
        position: usize,
    },
    /// The list is longer than a list may be.
    #[error(
        "at character {position}: expected the end, as {} limits are the most",
        text::WINDOWS_MAX
    )]
    TooMany {
        /// The comma that is one too many, counted from 1.
        position: usize,
    },
    /// Lists that belong together have not as many entries, or a null among them.
    #[error("the lists of buckets and limits must be as long as each other, and without nulls")]
    ListsDiffer,
    /// A request is counted in more buckets than [`BUCKETS_MAX`].
    #[error("a request is counted in {BUCKETS_MAX} buckets at most")]
    TooManyBuckets,
    /// A bucket is named twice, and would be charged once.
    #[error("a bucket is named twice in one request")]
    BucketTwice,
}

impl LimitError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expected { .. }
            | Self::Number { .. }
            | Self::TooFast { .. }
            | Self::PeriodTwice { .. }
            | Self::TooMany { .. } => "limit.invalid",
            Self::ListsDiffer | Self::TooManyBuckets | Self::BucketTwice => "limit.buckets_invalid",
        }
    }

    /// The character of a text that the error points at, counted from 1.
    #[must_use]
    pub const fn position(&self) -> Option<usize> {
        match *self {
            Self::Expected { position, .. }
            | Self::Number { position, .. }
            | Self::TooFast { position }
            | Self::PeriodTwice { position }
            | Self::TooMany { position } => Some(position),
            Self::ListsDiffer | Self::TooManyBuckets | Self::BucketTwice => None,
        }
    }
}
