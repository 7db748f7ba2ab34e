//! Names every fault of a payload.

use thiserror::Error;

use super::{
    METRIC_NAME_BYTES_MAX, PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX, PAYLOAD_READINGS_MAX,
    VALUE_BYTES_MAX,
};

/// Why a payload was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// More bytes than [`PAYLOAD_BYTES_MAX`].
    #[error("the payload has {bytes} bytes, at most {PAYLOAD_BYTES_MAX} are allowed")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// No bytes, or a message without a reading.
    #[error("the payload holds a message without a reading")]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("the payload is not UTF-8")]
    NotUtf8,
    /// Text that is not JSON.
    #[error("the payload is not JSON: {reason}")]
    NotJson {
        /// What is wrong, and in which line and column.
        reason: String,
    },
    /// JSON that is neither an object nor an array of objects.
    #[error("a message is a JSON object")]
    NotObject,
    /// Deeper than [`PAYLOAD_DEPTH_MAX`].
    #[error("the payload nests deeper than {PAYLOAD_DEPTH_MAX} levels")]
    TooDeep,
    /// More readings than [`PAYLOAD_READINGS_MAX`].
    #[error("the payload has more than {PAYLOAD_READINGS_MAX} readings")]
    TooManyReadings,
    /// A time that is neither RFC 3339 nor an epoch number, or stated twice.
    #[error(
        "the time is given once, as `at` or `ts`: RFC 3339 with its offset, \
         or a number of seconds, milliseconds or microseconds since 1970"
    )]
    TimeInvalid,
    /// A time before [`super::TIME_MIN`].
    #[error("the time is before 2000-01-01: the device's clock is not set")]
    TimeTooOld,
    /// A time more than [`super::AHEAD_MICROS_MAX`] after the receipt.
    #[error("the time is more than 24 hours ahead of the time of receipt")]
    TimeTooFarAhead,
    /// A name that is empty, too long, or has white space at an end or a control character.
    #[error(
        "a metric's name has 1 to {METRIC_NAME_BYTES_MAX} bytes, no control character and no \
         white space at its ends: {name:?}"
    )]
    MetricNameInvalid {
        /// The name, cut to the length allowed.
        name: String,
    },
    /// Two readings of one name in a message.
    #[error("the message holds {name:?} twice")]
    DuplicateMetric {
        /// The name.
        name: String,
    },
    /// A number that no 64-bit float holds.
    #[error("the payload holds a number beyond the range of a 64-bit float")]
    NumberOutOfRange,
    /// A text or array longer than [`VALUE_BYTES_MAX`].
    #[error("the value of {name:?} has more than {VALUE_BYTES_MAX} bytes")]
    ValueTooLarge {
        /// The metric.
        name: String,
    },
    /// A text with U+0000, which no Postgres text can hold.
    #[error("the value of {name:?} holds the character U+0000")]
    TextInvalid {
        /// The metric.
        name: String,
    },
}

impl PayloadError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "payload.too_large",
            Self::Empty => "payload.empty",
            Self::NotUtf8 => "payload.not_utf8",
            Self::NotJson { .. } => "payload.not_json",
            Self::NotObject => "payload.not_object",
            Self::TooDeep => "payload.too_deep",
            Self::TooManyReadings => "payload.too_many_readings",
            Self::TimeInvalid => "payload.time_invalid",
            Self::TimeTooOld => "payload.time_too_old",
            Self::TimeTooFarAhead => "payload.time_too_far_ahead",
            Self::MetricNameInvalid { .. } => "payload.metric_name_invalid",
            Self::DuplicateMetric { .. } => "payload.duplicate_metric",
            Self::NumberOutOfRange => "payload.number_out_of_range",
            Self::ValueTooLarge { .. } => "payload.value_too_large",
            Self::TextInvalid { .. } => "payload.text_invalid",
        }
    }

    /// What made the reader of JSON stop: `fault` when a rule of ours did, else JSON's own error.
    pub(super) fn from_json(fault: Option<Self>, error: &serde_json::Error) -> Self {
        if let Some(fault) = fault {
            return fault;
        }
        let reason = error.to_string();
        if error.is_data() {
            Self::NotObject
        } else if reason.starts_with("number out of range") {
            Self::NumberOutOfRange
        } else {
            Self::NotJson { reason }
        }
    }
}
