//! Decides what a new definition of a field takes of the values that are there.

use super::definition::Definition;

/// What has to be done before a new definition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Every value has to be one of the new definition as it is, or the change is refused.
    pub checks_values: bool,
    /// The values have to be kept apart anew.
    pub gathers_values: bool,
    /// The values are not to be kept apart any more.
    pub scatters_values: bool,
}

impl Change {
    /// From one definition, or none, to another.
    ///
    /// A type is what conditions, indexes and programs rely on, so that no value of another one may
    /// stay. Whatever else narrows a field counts from the next write: a record that was right does
    /// not become one that nobody can save.
    #[must_use]
    pub fn between(old: Option<&Definition>, new: &Definition) -> Self {
        let Some(old) = old else {
            return Self::default();
        };
        let has_other_kind = old.kind != new.kind;
        let gathers = new.is_kept_apart()
            && (has_other_kind || !old.is_kept_apart() || new.is_unique != old.is_unique);
        Self {
            checks_values: has_other_kind || (new.is_kept_apart() && !old.is_kept_apart()),
            gathers_values: gathers,
            scatters_values: old.is_kept_apart() && !new.is_kept_apart(),
        }
    }
}
