//! Reads JSON that people wrote, keeps the place of everything, and goes on after what is wrong.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A JSON value with its place as a JSON pointer.
#[derive(Clone, Debug)]
pub(crate) struct Place<'j> {
    pub(crate) path: String,
    pub(crate) raw: &'j RawValue,
}

impl<'j> Place<'j> {
    pub(crate) fn root(raw: &'j RawValue) -> Self {
        Self::at(String::new(), raw)
    }

    pub(crate) fn at(path: String, raw: &'j RawValue) -> Self {
        Self { path, raw }
    }

    /// The members of an object.
    pub(crate) fn object(&self) -> Option<BTreeMap<String, Self>> {
        let members: BTreeMap<String, &'j RawValue> = serde_json::from_str(self.raw.get()).ok()?;
        let members = members.into_iter().map(|(key, raw)| {
            let path = format!(
                "{}/{}",
                self.path,
                key.replace('~', "~0").replace('/', "~1")
            );
            (key, Self::at(path, raw))
        });
        Some(members.collect())
    }

    /// The elements of a list.
    pub(crate) fn list(&self) -> Option<Vec<Self>> {
        let elements: Vec<&'j RawValue> = serde_json::from_str(self.raw.get()).ok()?;
        let elements = elements.into_iter().enumerate();
        Some(
            elements
                .map(|(number, raw)| Self::at(format!("{}/{number}", self.path), raw))
                .collect(),
        )
    }

    pub(crate) fn text(&self) -> Option<String> {
        serde_json::from_str(self.raw.get()).ok()
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        serde_json::from_str(self.raw.get()).ok()
    }

    /// A whole number, which may be written as `10` alone.
    pub(crate) fn integer(&self) -> Option<u32> {
        serde_json::from_str(self.raw.get()).ok()
    }

    /// A word such as `new_lead`, which names something.
    pub(crate) fn word(&self) -> Option<String> {
        self.text().filter(|text| is_word(text))
    }

    /// A text for people, of so many characters at most.
    pub(crate) fn label(&self, characters_max: usize) -> Option<String> {
        let is_short = |text: &String| {
            (1..=characters_max).contains(&text.trim().chars().count())
                && text.chars().count() <= characters_max
                && !text.chars().any(char::is_control)
        };
        self.text().filter(is_short)
    }

    /// Words with dots between them, such as `crm.deals.write`.
    pub(crate) fn dotted(&self) -> Option<String> {
        let is_dotted =
            |text: &String| text.len() <= 100 && text.contains('.') && text.split('.').all(is_word);
        self.text().filter(is_dotted)
    }
}

/// Bytes of a word, as long as a name of Postgres.
const WORD_BYTES_MAX: usize = 63;

/// Whether a text is a word in lower case such as `new_lead`.
pub(crate) fn is_word(text: &str) -> bool {
    text.len() <= WORD_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Gathers what is wrong.
#[derive(Debug)]
pub(crate) struct Reader<P> {
    found: Vec<(String, P)>,
}

impl<P> Default for Reader<P> {
    fn default() -> Self {
        Self { found: Vec::new() }
    }
}

impl<P> Reader<P> {
    /// Notes what is wrong.
    pub(crate) fn note(&mut self, path: impl Into<String>, problem: P) {
        self.found.push((path.into(), problem));
    }

    /// Notes what is wrong, and gives nothing in place of what was to be read.
    pub(crate) fn refuse<T>(&mut self, path: impl Into<String>, problem: P) -> Option<T> {
        self.note(path, problem);
        None
    }

    /// How much is wrong so far.
    pub(crate) fn problems(&self) -> usize {
        self.found.len()
    }

    /// Takes over what another reader found.
    pub(crate) fn take_over<Q: Into<P>>(&mut self, other: Reader<Q>) {
        let found = other.found.into_iter();
        self.found
            .extend(found.map(|(path, problem)| (path, problem.into())));
    }

    /// What was read, if nothing is wrong.
    pub(crate) fn outcome<T, E: From<(String, P)>>(self, read: Option<T>) -> Result<T, Vec<E>> {
        match read {
            Some(read) if self.found.is_empty() => Ok(read),
            _ => Err(self.found.into_iter().map(E::from).collect()),
        }
    }
}
