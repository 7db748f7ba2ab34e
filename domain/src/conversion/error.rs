//! Why a lead cannot be converted.

use thiserror::Error;

/// Why nothing can be decided.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConversionError {
    /// The options are not what they have to be.
    #[error("the options of a conversion are wrong at {path}: {expected}")]
    Options {
        /// A JSON pointer to the place.
        path: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// Neither a contact nor a company would come of it.
    #[error("nothing in the lead names a person or a company to make of it")]
    Nothing,
    /// A record, a schema or what was kept of a conversion cannot be read.
    #[error("what a conversion is decided by cannot be read: {0}")]
    Malformed(String),
}

impl ConversionError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Options { .. } => "conversion.options_invalid",
            Self::Nothing => "conversion.nothing_named",
            Self::Malformed(_) => "conversion.malformed",
        }
    }

    /// Where in the options it is wrong, as a JSON pointer.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Options { path, .. } => Some(path),
            Self::Nothing | Self::Malformed(_) => None,
        }
    }
}

impl From<serde_json::Error> for ConversionError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
