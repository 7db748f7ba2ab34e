//! Decides where in a page of HTML a value may stand, and which HTML a template may have.
//!
//! Escaping alone does not help where the browser reads something else than text: in the name of an
//! element, in an attribute without quotes, in a script, in an address. So the fixed parts of a
//! template are read as a browser would read them, and what is not plainly the same to all of them
//! is refused: other elements than those of mails, attributes without quotes, an `if` whose ways out
//! differ in where they leave the page.

use super::check::Type;
use super::{Place, TemplateError};

/// The elements of mails. None of them runs or loads anything but pictures.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "address",
    "article",
    "b",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "img",
    "ins",
    "li",
    "main",
    "mark",
    "meta",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "section",
    "small",
    "span",
    "strong",
    "style",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "u",
    "ul",
];
/// Attributes that hold an address.
const ADDRESSES: &[&str] = &["background", "cite", "href", "src"];
/// Attributes that a mail has no use for and that load, send or run something.
const ATTRIBUTES_REFUSED: &[&str] = &[
    "action",
    "data",
    "dynsrc",
    "formaction",
    "http-equiv",
    "longdesc",
    "lowsrc",
    "manifest",
    "ping",
    "poster",
    "srcdoc",
    "srcset",
    "usemap",
    "xlink:href",
];
/// What a fixed address may begin with.
const SCHEMES: &[&str] = &["https://", "http://", "mailto:", "tel:", "cid:", "#"];

/// How far a page has been read.
#[derive(Clone, Debug)]
pub(super) struct Html<'a> {
    source: &'a str,
    state: State,
    /// The element whose tag is being read, or was read last.
    element: String,
    attribute: String,
    /// The fixed beginning of an address.
    address: String,
    /// Whether the address begins with a variable, which is a whole one.
    address_is_given: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// After `<`.
    Open,
    /// In the name of an element.
    Name {
        closes: bool,
    },
    /// In a tag, where an attribute may begin.
    Between {
        closes: bool,
    },
    AttributeName {
        closes: bool,
    },
    /// After an attribute's name and a space.
    AfterName,
    /// After `=`.
    BeforeValue,
    Value {
        quote: u8,
    },
    /// After `<!`, with as many bytes as have come since.
    Declaration {
        dashes: u8,
    },
    /// With what came last.
    Comment {
        last: [u8; 3],
    },
    /// In `style` or `title`, with what came last.
    Raw {
        matched: usize,
    },
    /// After `</style` or `</title`.
    RawEnd,
}

impl<'a> Html<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            state: State::Text,
            element: String::new(),
            attribute: String::new(),
            address: String::new(),
            address_is_given: false,
        }
    }

    /// Reads a fixed part, which is a piece of the source.
    pub(super) fn read(&mut self, fixed: &str) -> Result<(), TemplateError> {
        let offset = (fixed.as_ptr() as usize).saturating_sub(self.source.as_ptr() as usize);
        for (position, byte) in fixed.bytes().enumerate() {
            self.step(byte)
                .map_err(|reason| TemplateError::HtmlUnsafe {
                    place: Place::at(self.source, offset + position),
                    reason,
                })?;
        }
        Ok(())
    }

    /// Puts a value of this type where reading has come to.
    pub(super) fn emit(&mut self, kind: Type<'_>, place: Place) -> Result<(), TemplateError> {
        let refusal = self.refusal_of(kind);
        if matches!(self.state, State::Value { .. }) && self.is_address() {
            self.address_is_given |= self.address.is_empty();
        }
        refusal.map_or(Ok(()), |reason| {
            Err(TemplateError::HtmlUnsafe { place, reason })
        })
    }

    /// Why a value of this type cannot stand here.
    fn refusal_of(&self, kind: Type<'_>) -> Option<&'static str> {
        match self.state {
            State::Text => None,
            _ if kind == Type::Html => Some("HTML stands between elements alone"),
            State::Raw { .. } if self.element == "title" => None,
            State::Raw { .. } => {
                (kind != Type::Color).then_some("of variables, only colours stand in styles")
            }
            State::Value { .. } if self.attribute == "style" => {
                (kind != Type::Color).then_some("of variables, only colours stand in styles")
            }
            State::Value { .. } if self.is_address() => {
                if self.address.is_empty() && !self.address_is_given {
                    (kind != Type::Url)
                        .then_some("an address begins with https:// or a variable of the type url")
                } else if self.host_is_known() {
                    (kind != Type::Encoded && kind != Type::Number)
                        .then_some("what is put into an address needs the filter urlencode")
                } else {
                    Some("the host of an address cannot be put together")
                }
            }
            State::Value { .. } => None,
            _ => Some("a variable stands in text or between the quotes of an attribute"),
        }
    }

    /// Whether what follows cannot change where an address leads.
    fn host_is_known(&self) -> bool {
        let address = self.address.to_ascii_lowercase();
        let host = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"));
        self.address_is_given
            || address.starts_with("mailto:")
            || address.starts_with("tel:")
            || host.is_some_and(|host| host.contains(['/', '?', '#']) && !host.starts_with('/'))
    }

    fn is_address(&self) -> bool {
        ADDRESSES.contains(&self.attribute.as_str())
    }

    /// The page must be at its end.
    pub(super) fn finish(&self) -> Result<(), TemplateError> {
        (self.state == State::Text)
            .then_some(())
            .ok_or_else(|| TemplateError::HtmlUnsafe {
                place: Place::at(self.source, self.source.len()),
                reason: "an element, a comment or an attribute is not closed",
            })
    }

    /// Two ways through a template must lead to the same place in the page.
    pub(super) fn same(
        left: Option<&Self>,
        right: Option<&Self>,
        place: Place,
    ) -> Result<(), TemplateError> {
        let place_in_page = |html: &Self| {
            let in_tag = html.state != State::Text;
            (
                html.state,
                in_tag.then(|| (html.element.clone(), html.attribute.clone())),
                in_tag.then(|| (html.address.clone(), html.address_is_given)),
            )
        };
        (left.map(place_in_page) == right.map(place_in_page))
            .then_some(())
            .ok_or(TemplateError::HtmlUnsafe {
                place,
                reason: "the ways through this end at different places of the page",
            })
    }

    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        let is_space = byte.is_ascii_whitespace();
        self.state = match self.state {
            State::Text if byte == b'<' => {
                self.element.clear();
                State::Open
            }
            State::Text => State::Text,
            State::Open => match byte {
                b'!' => State::Declaration { dashes: 0 },
                b'/' if self.element.is_empty() => {
                    self.element.push('/');
                    State::Open
                }
                _ if byte.is_ascii_alphabetic() => {
                    let closes = self.element == "/";
                    self.element.clear();
                    self.element.push(byte.to_ascii_lowercase().into());
                    State::Name { closes }
                }
                _ => return Err("a < that begins no element is written as &lt;"),
            },
            State::Name { .. } if byte.is_ascii_alphanumeric() => {
                self.element.push(byte.to_ascii_lowercase().into());
                self.state
            }
            State::Name { closes } => {
                if !ELEMENTS.contains(&self.element.as_str()) {
                    return Err("mails have no such element");
                }
                self.between(byte, closes)?
            }
            State::Between { closes } => self.between(byte, closes)?,
            State::AttributeName { closes } => match byte {
                b'=' => State::BeforeValue,
                _ if byte.is_ascii_alphanumeric() || b"-_:".contains(&byte) => {
                    self.attribute.push(byte.to_ascii_lowercase().into());
                    State::AttributeName { closes }
                }
                _ if is_space => State::AfterName,
                _ => self.between(byte, closes)?,
            },
            State::AfterName => match byte {
                b'=' => State::BeforeValue,
                _ if is_space => State::AfterName,
                _ => self.between(byte, false)?,
            },
            State::BeforeValue => {
                self.verify_attribute()?;
                match byte {
                    b'"' | b'\'' => State::Value { quote: byte },
                    _ if is_space => State::BeforeValue,
                    _ => return Err("the value of an attribute needs quotes"),
                }
            }
            State::Value { quote } if byte == quote => {
                self.verify_address()?;
                State::Between { closes: false }
            }
            State::Value { quote } => {
                if self.is_address() {
                    // Beyond ASCII nothing is compared: any character will do.
                    self.address.push(byte.into());
                }
                State::Value { quote }
            }
            State::Declaration { dashes: 0 } if byte == b'-' => State::Declaration { dashes: 1 },
            State::Declaration { dashes: 1 } if byte == b'-' => State::Comment { last: *b" --" },
            State::Declaration { dashes: 1 } => return Err("a comment begins with <!--"),
            State::Declaration { .. } if byte == b'>' => State::Text,
            State::Declaration { .. } => State::Declaration { dashes: 2 },
            State::Comment { last } => {
                if byte == b'>' && (last[1..] == *b"--" || last == *b"--!") {
                    State::Text
                } else {
                    let last = [last[1], last[2], byte];
                    State::Comment { last }
                }
            }
            State::Raw { matched } => self.raw(byte, matched),
            State::RawEnd => match byte {
                b'>' => State::Text,
                _ if is_space => State::RawEnd,
                _ => return Err("this ends no element"),
            },
        };
        Ok(())
    }

    /// In a tag, after its name or an attribute.
    fn between(&mut self, byte: u8, closes: bool) -> Result<State, &'static str> {
        if !self.attribute.is_empty() && !matches!(self.state, State::AttributeName { .. }) {
            self.attribute.clear();
        }
        match byte {
            b'>' => {
                self.attribute.clear();
                let is_raw = !closes && matches!(self.element.as_str(), "style" | "title");
                Ok(if is_raw {
                    State::Raw { matched: 0 }
                } else {
                    State::Text
                })
            }
            b'/' => Ok(State::Between { closes }),
            _ if byte.is_ascii_whitespace() => Ok(State::Between { closes }),
            _ if closes => Err("the end of an element has no attributes"),
            _ if byte.is_ascii_alphabetic() => {
                self.attribute = char::from(byte.to_ascii_lowercase()).into();
                self.address.clear();
                self.address_is_given = false;
                Ok(State::AttributeName { closes })
            }
            _ => Err("no attribute begins like this"),
        }
    }

    fn raw(&self, byte: u8, matched: usize) -> State {
        let end = self.element.bytes();
        let mut expected = [b'<', b'/'].into_iter().chain(end).skip(matched);
        match expected.next() {
            Some(next) if next == byte.to_ascii_lowercase() && expected.next().is_none() => {
                State::RawEnd
            }
            Some(next) if next == byte.to_ascii_lowercase() => State::Raw {
                matched: matched + 1,
            },
            _ => State::Raw {
                matched: usize::from(byte == b'<'),
            },
        }
    }

    fn verify_attribute(&self) -> Result<(), &'static str> {
        let name = self.attribute.as_str();
        if name.starts_with("on") || ATTRIBUTES_REFUSED.contains(&name) {
            return Err("mails have no such attribute");
        }
        Ok(())
    }

    fn verify_address(&self) -> Result<(), &'static str> {
        let address = self.address.to_ascii_lowercase();
        if !self.is_address()
            || self.address_is_given
            || address.is_empty()
            || SCHEMES.iter().any(|scheme| address.starts_with(scheme))
        {
            return Ok(());
        }
        Err("an address begins with https://, http://, mailto:, tel:, cid: or #")
    }
}
