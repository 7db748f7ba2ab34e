//! Decides what an entry keeps of the request that made it: as much as helps to find where it came
//! from, and no more than these lengths of what a stranger may write into a header.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Characters kept of the header user-agent: longer ones name nothing more.
pub const USER_AGENT_CHARACTERS_MAX: usize = 256;
/// Characters kept of the header x-request-id, of which a UUID needs 36.
pub const REQUEST_ID_CHARACTERS_MAX: usize = 128;
/// Characters kept of the method.
pub const METHOD_CHARACTERS_MAX: usize = 16;
/// Characters kept of the path.
pub const PATH_CHARACTERS_MAX: usize = 256;

/// The JSON text of where a request came from; `headers` is a JSON object with lower-case names.
/// Headers that are no such thing count for none. Members that are not known are left out.
#[must_use]
pub fn origin(
    headers: &str,
    method: Option<&str>,
    path: Option<&str>,
    address: Option<&str>,
) -> String {
    let headers: BTreeMap<String, &RawValue> = serde_json::from_str(headers).unwrap_or_default();
    let header =
        |name: &str| -> Option<String> { serde_json::from_str(headers.get(name)?.get()).ok() };
    let parts = [
        ("address", address.map(str::to_owned), usize::MAX),
        ("method", method.map(str::to_owned), METHOD_CHARACTERS_MAX),
        ("path", path.map(str::to_owned), PATH_CHARACTERS_MAX),
        (
            "request_id",
            header("x-request-id"),
            REQUEST_ID_CHARACTERS_MAX,
        ),
        (
            "user_agent",
            header("user-agent"),
            USER_AGENT_CHARACTERS_MAX,
        ),
    ];
    let known = parts
        .into_iter()
        .filter_map(|(name, value, characters_max)| {
            // A null character is one that Postgres cannot keep.
            let cut: String = value?
                .chars()
                .filter(|one| *one != '\0')
                .take(characters_max)
                .collect();
            (!cut.is_empty()).then(|| (name.to_owned(), cut.into()))
        });
    serde_json::Value::Object(known.collect()).to_string()
}
