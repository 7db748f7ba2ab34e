//! Lists every error code of the domain, with the HTTP status an API answers it with.
//!
//! A code is stable: programs test it. `docs` and the database's catalogue are made from this.

/// Code and HTTP status, ordered by code.
pub const ALL: &[(&str, u16)] = &[
    ("device.missing", 400),
    ("device.slug_invalid", 400),
    ("device.username_invalid", 400),
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
    ("telemetry.batch_corrupt", 400),
    ("telemetry.batch_full", 413),
    ("telemetry.batch_numbers_mismatch", 400),
    ("telemetry.frame_corrupt", 500),
    ("telemetry.frame_full", 413),
    ("telemetry.series_too_long", 400),
    ("telemetry.time_out_of_range", 400),
    ("telemetry.width_invalid", 400),
    ("telemetry.zone_unknown", 400),
    ("tenant.slug_invalid", 400),
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
