//! Whether a definition fits the records that are to move through it.

use super::Definition;
use super::problem::{PipelineError, PipelineProblem};
use crate::condition;
use crate::effect::Fields;

impl Definition {
    /// All that is wrong with the definition for records with these fields, as effects and as
    /// conditions know them.
    #[must_use]
    pub fn check(&self, fields: &Fields, asked: &condition::Fields) -> Vec<PipelineError> {
        let required = self.stages.iter().flat_map(|stage| {
            let named = stage.required.iter().enumerate();
            let unknown = named.filter(|(_, field)| fields.get(field).is_none());
            unknown.map(|(number, field)| PipelineError {
                path: format!("{}/required/{number}", stage.path),
                problem: PipelineProblem::FieldUnknown(field.clone()),
            })
        });
        // Effects of timers are among those of the effects that start them.
        let lists = self.stages.iter().flat_map(|it| {
            let lists = [&it.on_enter, &it.on_leave, &it.on_time_limit];
            lists.into_iter().flatten()
        });
        let effects = lists.chain(self.transitions.iter().flat_map(|it| &it.effects));
        let of_effects = effects.flat_map(|effect| {
            effect.check(fields).into_iter().map(|error| PipelineError {
                path: error.path,
                problem: error.problem.into(),
            })
        });
        let of_guards = self.transitions.iter().filter_map(|transition| {
            let guard = transition.when.as_ref()?;
            let error = guard.condition.check(asked).err()?;
            Some(PipelineError {
                path: format!("{}{}", guard.path, error.path),
                problem: error.problem.into(),
            })
        });
        required.chain(of_effects).chain(of_guards).collect()
    }
}
