//! Lists every error code of the domain, with the HTTP status an API answers it with.
//!
//! A code is stable: programs test it. `docs` and the database's catalogue are made from this.

/// Code and HTTP status, ordered by code.
pub const ALL: &[(&str, u16)] = &[
    ("assignment.malformed", 400),
    ("audit.digest_malformed", 500),
    ("audit.row_malformed", 500),
    ("audit.settings_malformed", 500),
    ("condition.field_invalid", 400),
    ("condition.field_unknown", 400),
    ("condition.fields_malformed", 500),
    ("condition.malformed", 400),
    ("condition.operator_unfit", 400),
    ("condition.operator_unknown", 400),
    ("condition.pattern_invalid", 400),
    ("condition.too_deep", 400),
    ("condition.too_large", 413),
    ("condition.value_invalid", 400),
    ("conversion.malformed", 500),
    ("conversion.nothing_named", 422),
    ("conversion.options_invalid", 400),
    ("delivery.argument_missing", 400),
    ("delivery.channel_unknown", 400),
    ("device.missing", 400),
    ("device.slug_invalid", 400),
    ("device.username_invalid", 400),
    ("effect.field_protected", 400),
    ("effect.field_unknown", 400),
    ("effect.malformed", 400),
    ("effect.too_deep", 400),
    ("effect.unknown", 400),
    ("effect.value_invalid", 400),
    ("field.archived", 422),
    ("field.choice_unknown", 422),
    ("field.default_invalid", 400),
    ("field.definition_malformed", 400),
    ("field.definitions_corrupt", 500),
    ("field.key_invalid", 400),
    ("field.length_invalid", 422),
    ("field.option_invalid", 400),
    ("field.option_unknown", 400),
    ("field.out_of_range", 422),
    ("field.pattern_invalid", 400),
    ("field.pattern_mismatch", 422),
    ("field.required", 422),
    ("field.too_large", 413),
    ("field.type_mismatch", 422),
    ("field.type_unknown", 400),
    ("field.unknown", 422),
    ("import.amount_too_fine", 422),
    ("import.boolean_invalid", 422),
    ("import.cell_too_long", 413),
    ("import.currency_missing", 422),
    ("import.currency_other", 422),
    ("import.date_ambiguous", 422),
    ("import.date_invalid", 422),
    ("import.email_invalid", 422),
    ("import.encoding_invalid", 400),
    ("import.id_invalid", 422),
    ("import.mapping_invalid", 400),
    ("import.number_ambiguous", 422),
    ("import.number_invalid", 422),
    ("import.number_out_of_range", 422),
    ("import.phone_invalid", 422),
    ("import.quote_open", 400),
    ("import.row_too_long", 413),
    ("import.row_too_wide", 422),
    ("import.setting_invalid", 400),
    ("import.state_malformed", 500),
    ("import.text_invalid", 400),
    ("import.too_many_columns", 413),
    ("import.value_unknown", 422),
    ("limit.buckets_invalid", 400),
    ("limit.invalid", 400),
    ("payload.duplicate_metric", 400),
    ("payload.empty", 400),
    ("payload.metric_name_invalid", 400),
    ("payload.not_json", 400),
    ("payload.not_object", 400),
    ("payload.not_utf8", 400),
    ("payload.number_out_of_range", 400),
    ("payload.text_invalid", 400),
    ("payload.time_invalid", 400),
    ("payload.time_too_far_ahead", 400),
    ("payload.time_too_old", 400),
    ("payload.too_deep", 400),
    ("payload.too_large", 413),
    ("payload.too_many_readings", 413),
    ("payload.value_too_large", 413),
    ("pipeline.end_missing", 400),
    ("pipeline.end_unreachable", 400),
    ("pipeline.field_unknown", 400),
    ("pipeline.fields_missing", 422),
    ("pipeline.guard_failed", 422),
    ("pipeline.malformed", 400),
    ("pipeline.mapping_invalid", 400),
    ("pipeline.permission_missing", 403),
    ("pipeline.probability_invalid", 400),
    ("pipeline.reason_required", 422),
    ("pipeline.stage_twice", 400),
    ("pipeline.stage_unknown", 400),
    ("pipeline.stage_unreachable", 400),
    ("pipeline.start_missing", 400),
    ("pipeline.start_refused", 422),
    ("pipeline.time_limit_missing", 400),
    ("pipeline.too_large", 413),
    ("pipeline.transition_missing", 422),
    ("pipeline.transition_to_itself", 400),
    ("pipeline.transition_twice", 400),
    ("retention.invalid", 400),
    ("schedule.expression_invalid", 400),
    ("schedule.never", 400),
    ("schedule.time_out_of_range", 400),
    ("schedule.zone_unknown", 400),
    ("secret.length_invalid", 400),
    ("secret.store_missing", 503),
    ("secret.unreadable", 500),
    ("service_level.hours_malformed", 400),
    ("service_level.time_out_of_range", 400),
    ("service_level.too_far", 400),
    ("service_level.zone_unknown", 400),
    ("signature.id_malformed", 400),
    ("signature.secret_malformed", 400),
    ("signature.secret_missing", 400),
    ("statistics.argument_invalid", 400),
    ("statistics.partial_corrupt", 400),
    ("statistics.partial_kind", 400),
    ("statistics.partials_mixed", 400),
    ("statistics.partials_overlap", 400),
    ("statistics.time_infinite", 400),
    ("statistics.too_large", 413),
    ("telemetry.aggregate_unknown", 400),
    ("telemetry.batch_corrupt", 400),
    ("telemetry.batch_full", 413),
    ("telemetry.batch_numbers_mismatch", 400),
    ("telemetry.block_corrupt", 500),
    ("telemetry.fill_unknown", 400),
    ("telemetry.frame_corrupt", 500),
    ("telemetry.frame_full", 413),
    ("telemetry.group_unknown", 400),
    ("telemetry.points_invalid", 400),
    ("telemetry.query_malformed", 400),
    ("telemetry.range_invalid", 400),
    ("telemetry.series_too_long", 400),
    ("telemetry.time_out_of_range", 400),
    ("telemetry.too_many_buckets", 400),
    ("telemetry.width_given_twice", 400),
    ("telemetry.width_invalid", 400),
    ("telemetry.zone_unknown", 400),
    ("template.data_malformed", 400),
    ("template.declaration_malformed", 400),
    ("template.failed", 400),
    ("template.filter_unknown", 400),
    ("template.form_unknown", 400),
    ("template.html_unsafe", 400),
    ("template.not_allowed", 400),
    ("template.out_of_fuel", 400),
    ("template.output_too_large", 413),
    ("template.subject_empty", 400),
    ("template.syntax_invalid", 400),
    ("template.too_complex", 400),
    ("template.too_large", 413),
    ("template.type_mismatch", 400),
    ("template.variable_invalid", 400),
    ("template.variable_missing", 400),
    ("template.variable_unknown", 400),
    ("template.zone_unknown", 400),
    ("tenant.slug_invalid", 400),
    ("token.kind_unknown", 400),
    ("topic.invalid", 400),
];

/// The HTTP status of a code of the domain; 500 for any other, as nobody foresaw it.
#[must_use]
pub fn status(code: &str) -> u16 {
    ALL.binary_search_by_key(&code, |&(known, _)| known)
        .ok()
        .and_then(|place| ALL.get(place))
        .map_or(500, |&(_, status)| status)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_ordered_and_listed_once() {
        assert!(ALL.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn every_code_in_the_sources_is_listed() {
        let sources = [
            include_str!("assignment.rs"),
            include_str!("audit.rs"),
            include_str!("condition/problem.rs"),
            include_str!("conversion/error.rs"),
            include_str!("custom_field/error.rs"),
            include_str!("custom_field/problem.rs"),
            include_str!("delivery.rs"),
            include_str!("delivery/signature.rs"),
            include_str!("effect/problem.rs"),
            include_str!("identity.rs"),
            include_str!("import.rs"),
            include_str!("import/cell.rs"),
            include_str!("limit.rs"),
            include_str!("pipeline/decide.rs"),
            include_str!("pipeline/mapping.rs"),
            include_str!("pipeline/problem.rs"),
            include_str!("schedule.rs"),
            include_str!("secret.rs"),
            include_str!("service_level.rs"),
            include_str!("statistics.rs"),
            include_str!("telemetry/batch.rs"),
            include_str!("telemetry/block.rs"),
            include_str!("telemetry/bucket.rs"),
            include_str!("telemetry/compaction/expiry.rs"),
            include_str!("telemetry/frame.rs"),
            include_str!("telemetry/payload/error.rs"),
            include_str!("telemetry/query.rs"),
            include_str!("telemetry/submission.rs"),
            include_str!("template.rs"),
            include_str!("token.rs"),
        ];
        // Each `fn code` ends at the first brace that is indented as it is.
        let codes: BTreeSet<_> = sources
            .iter()
            .filter_map(|source| source.split_once("fn code(&self)"))
            .filter_map(|(_, function)| function.split_once("\n    }\n"))
            .flat_map(|(function, _)| function.split('"').skip(1).step_by(2))
            .collect();
        let listed: BTreeSet<_> = ALL.iter().map(|&(code, _)| code).collect();
        assert_eq!(codes, listed);
    }

    #[test]
    fn an_unknown_code_is_our_fault() {
        assert_eq!(status("payload.too_large"), 413);
        assert_eq!(status("no.such_code"), 500);
    }
}
