//! Where records go when they are taken over into another version of their pipeline.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Definition;

/// A mapping that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MappingError {
    /// It is no object of texts.
    #[error("expected an object such as {{\"old_stage\": \"new_stage\"}}")]
    Malformed,
    /// No version that records are in has the stage that it maps.
    #[error("no version that is left has a stage {0}")]
    FromUnknown(String),
    /// The new version lacks the stage that it maps to.
    #[error("the new version has no stage {0}")]
    ToUnknown(String),
}

impl MappingError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed | Self::FromUnknown(_) | Self::ToUnknown(_) => {
                "pipeline.mapping_invalid"
            }
        }
    }
}

/// For each of the stages that records are in, the stage of the new version that they go to: the
/// one that the mapping names, else the one of the same name, else none.
///
/// # Errors
/// [`MappingError`] for a mapping of stages that are not there.
pub fn map_stages(
    stages: &[String],
    definition: &Definition,
    mapping: &str,
) -> Result<Vec<(String, Option<String>)>, MappingError> {
    let mapping: BTreeMap<String, String> =
        serde_json::from_str(mapping).map_err(|_| MappingError::Malformed)?;
    for (from, to) in &mapping {
        if !stages.contains(from) {
            return Err(MappingError::FromUnknown(from.clone()));
        } else if definition.place(to).is_none() {
            return Err(MappingError::ToUnknown(to.clone()));
        }
    }
    let mapped = stages.iter().map(|stage| {
        let same = || definition.place(stage).map(|_| stage.clone());
        (stage.clone(), mapping.get(stage).cloned().or_else(same))
    });
    Ok(mapped.collect())
}
