//! Templates that are refused, and where; and that nothing hostile, in a template or in its data,
//! gets out of its place. What becomes of a page is told by another reader of HTML than ours.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};
use proptest::prelude::*;
use tenon_domain::template::variables::{self, Variables};
use tenon_domain::template::{
    Form, Locale, OUTPUT_BYTES_MAX, SOURCE_BYTES_MAX, SUBJECT_BYTES_MAX, TemplateError, check,
    render,
};

const DECLARED: &str = r##"{
    "name": {"type": "text"},
    "note": {"type": "text", "optional": true},
    "url": {"type": "url"},
    "count": {"type": "number"},
    "at": {"type": "datetime"},
    "day": {"type": "date"},
    "price": {"type": "money"},
    "is_new": {"type": "boolean"},
    "color": {"type": "color"},
    "body": {"type": "html"},
    "person": {"type": "object", "fields": {"name": {"type": "text"}}},
    "lines": {"type": "list", "fields": {
        "title": {"type": "text"},
        "parts": {"type": "list", "fields": {"name": {"type": "text"}}}
    }}
}"##;

const DATA: &str = r##"{
    "name": "Ann", "url": "https://example.com/", "count": 12345.5, "at": "2026-11-21T14:05:30Z",
    "day": "2026-11-21", "price": {"amount_minor": 123450, "currency": "EUR"}, "is_new": true,
    "color": "#1a2b3c", "body": "<p>x</p>", "person": {"name": "Bob"},
    "lines": [{"title": "one", "parts": [{"name": "p"}]}, {"title": "two", "parts": []}],
    "undeclared": "never seen"
}"##;

fn declared() -> Variables {
    variables::parse(DECLARED).expect("a declaration")
}

fn locale(language: &str) -> Locale {
    Locale::new(language, "Europe/Berlin").expect("a zone")
}

fn checked(source: &str, form: Form) -> Result<(), TemplateError> {
    check(source, form, &declared())
}

fn rendered(source: &str, form: Form, language: &str) -> Result<String, TemplateError> {
    render(source, form, &declared(), DATA, &locale(language))
}

/// A source, its code, line and column, and the name in it where it is to be told.
type Refused = (
    Form,
    &'static str,
    &'static str,
    usize,
    usize,
    Option<&'static str>,
);

#[test]
fn what_a_template_may_not_have_is_named_with_its_place() {
    use Form::{Html, Subject, Text};
    #[rustfmt::skip]
    let cases: &[Refused] = &[
        // Unknown variables, on every way through, taken or not.
        (Text, "Hello {{ nam }}", "template.variable_unknown", 1, 10, Some("nam")),
        (Text, "é\n\n  {{ person.nam }}", "template.variable_unknown", 3, 6, Some("person.nam")),
        (Text, "{{ name.x }}", "template.variable_unknown", 1, 4, Some("name.x")),
        (Text, "{{ lines.x }}", "template.variable_unknown", 1, 4, Some("lines.x")),
        (Text, "{% if false %}{{ x }}{% endif %}", "template.variable_unknown", 1, 18, Some("x")),
        (Text, "{% if true %}{% else %}{{ x }}{% endif %}", "template.variable_unknown", 1, 27, Some("x")),
        (Text, "{% if is_new %}{% elif x %}{% endif %}", "template.variable_unknown", 1, 24, Some("x")),
        (Text, "{% if is_new or x %}{% endif %}", "template.variable_unknown", 1, 17, Some("x")),
        (Text, "{% for l in x %}{% endfor %}", "template.variable_unknown", 1, 13, Some("x")),
        (Text, "{% for l in lines %}{{ l.titel }}{% endfor %}", "template.variable_unknown", 1, 24, Some("l.titel")),
        (Text, "{% for l in lines %}{% for p in l.parts %}{{ p.x }}{% endfor %}{% endfor %}", "template.variable_unknown", 1, 46, Some("p.x")),
        (Text, "{% for l in lines %}{% else %}{{ l.title }}{% endfor %}", "template.variable_unknown", 1, 34, Some("l")),
        (Text, "{% for l in lines %}{% endfor %}{{ l.title }}", "template.variable_unknown", 1, 36, Some("l")),
        (Text, "{{ loop.index }}", "template.variable_unknown", 1, 4, Some("loop")),
        (Text, "{% for l in lines %}{{ loop.previtem }}{% endfor %}", "template.variable_unknown", 1, 24, Some("loop.previtem")),
        (Text, "{{ note|default(x) }}", "template.variable_unknown", 1, 17, Some("x")),
        (Text, "{{ name|truncate(x.y) }}", "template.variable_unknown", 1, 18, Some("x")),
        (Text, "{{ name if x else note }}", "template.variable_unknown", 1, 12, Some("x")),
        (Text, "{{ self }}", "template.variable_unknown", 1, 4, Some("self")),
        // Filters, and what is none of the language.
        (Text, "{{ name|shout }}", "template.filter_unknown", 1, 9, Some("shout")),
        (Text, "{{ name|safe }}", "template.filter_unknown", 1, 9, Some("safe")),
        (Text, "{{ name|upper(1) }}", "template.type_mismatch", 1, 9, Some("upper")),
        (Text, "{{ is_new|date }}", "template.type_mismatch", 1, 11, Some("date")),
        (Text, "{{ lines }}", "template.type_mismatch", 1, 4, Some("lines")),
        (Text, "{{ person }}", "template.type_mismatch", 1, 4, Some("person")),
        (Text, "{{ body }}", "template.type_mismatch", 1, 4, Some("body")),
        (Text, "{% if name > 3 %}{% endif %}", "template.type_mismatch", 1, 7, Some("name")),
        (Text, "{% for n in name %}{% endfor %}", "template.type_mismatch", 1, 13, Some("name")),
        (Text, "{{ name if is_new }}", "template.type_mismatch", 1, 4, Some("name")),
        (Text, "{% include 'x' %}", "template.not_allowed", 1, 4, Some("include")),
        (Text, "{% macro m() %}{% endmacro %}", "template.not_allowed", 1, 4, Some("macro")),
        (Text, "{% set x = 1 %}", "template.not_allowed", 1, 4, Some("set")),
        (Text, "{% autoescape false %}{% endautoescape %}", "template.not_allowed", 1, 4, Some("autoescape")),
        (Text, "{{ range(9999) }}", "template.not_allowed", 1, 4, Some("call")),
        (Text, "{{ name.upper() }}", "template.not_allowed", 1, 8, Some("call")),
        (Text, "{{ lines[0] }}", "template.not_allowed", 1, 9, Some("[")),
        (Text, "{{ 'a' * 1000000 }}", "template.not_allowed", 1, 8, Some("*")),
        (Text, "{{ name ~ name }}", "template.not_allowed", 1, 9, Some("~")),
        (Text, "{{ {} }}", "template.not_allowed", 1, 4, Some("{")),
        (Text, "{{ name is defined }}", "template.not_allowed", 1, 9, Some("is")),
        (Text, "{% for l in lines recursive %}{% endfor %}", "template.not_allowed", 1, 4, None),
        (Text, "{% for name in lines %}{% endfor %}", "template.not_allowed", 1, 4, None),
        // What cannot be read.
        (Subject, "{{ name", "template.syntax_invalid", 1, 4, None),
        (Text, "{% if is_new %}\n", "template.syntax_invalid", 1, 14, None),
        (Text, "a\n{{ name | }}", "template.syntax_invalid", 2, 11, None),
        // HTML that could become something else.
        (Html, "<script>{{ name }}</script>", "template.html_unsafe", 1, 8, None),
        (Html, "<p onclick=\"x\">", "template.html_unsafe", 1, 12, None),
        (Html, "<p title={{ name }}>", "template.html_unsafe", 1, 13, None),
        (Html, "<{{ name }}>", "template.html_unsafe", 1, 5, None),
        (Html, "<p {{ name }}>", "template.html_unsafe", 1, 7, None),
        (Html, "<!-- {{ name }} -->", "template.html_unsafe", 1, 9, None),
        (Html, "<a href=\"{{ name }}\">", "template.html_unsafe", 1, 13, None),
        (Html, "<a href=\"https://{{ name }}/\">", "template.html_unsafe", 1, 21, None),
        (Html, "<a href=\"https://{{ name|urlencode }}/\">", "template.html_unsafe", 1, 26, None),
        (Html, "<a href=\"https://a.example/{{ name }}\">", "template.html_unsafe", 1, 31, None),
        (Html, "<a href=\"{{ url }}{{ url }}\">", "template.html_unsafe", 1, 22, None),
        (Html, "<a href=\"javascript:alert(1)\">", "template.html_unsafe", 1, 29, None),
        (Html, "<a href=\"&#106;avascript:alert(1)\">", "template.html_unsafe", 1, 34, None),
        (Html, "<img src=\"data:x\">", "template.html_unsafe", 1, 17, None),
        (Html, "<p style=\"color:{{ name }}\">", "template.html_unsafe", 1, 20, None),
        (Html, "<style>{{ name }}</style>", "template.html_unsafe", 1, 11, None),
        (Html, "<meta http-equiv=\"refresh\">", "template.html_unsafe", 1, 18, None),
        (Html, "<a title=\"{{ body }}\">", "template.html_unsafe", 1, 14, None),
        (Html, "<iframe src=\"https://a.example/\">", "template.html_unsafe", 1, 8, None),
        (Html, "1 < 2", "template.html_unsafe", 1, 4, None),
        (Html, "<p title=\"", "template.html_unsafe", 1, 11, None),
        (Html, "{% if is_new %}<a title=\"{% endif %}", "template.html_unsafe", 1, 7, None),
        (Html, "<p {% if is_new %}title=\"{% else %}lang=\"{% endif %}x\">", "template.html_unsafe", 1, 10, None),
        (Html, "{% for l in lines %}<!--{% endfor %}", "template.html_unsafe", 1, 4, None),
    ];
    let mut wrong = Vec::new();
    for &(form, source, code, line, column, name) in cases {
        let error = checked(source, form).expect_err(source);
        let place = error.place().map(|place| (place.line, place.column));
        let is_named = name.is_none() || error.name() == name;
        if (error.code(), place) != (code, Some((line, column))) || !is_named {
            wrong.push(format!("{source}: {} {error}", error.code()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_template_is_filled_as_the_language_has_it() {
    #[rustfmt::skip]
    let cases = [
        (Form::Text, "en", "{{ name }}: {{ count }}", "Ann: 12,345.5"),
        (Form::Text, "de", "{{ count|number(2) }} {{ price }}", "12.345,50 1.234,50\u{a0}€"),
        (Form::Text, "de", "{{ at }}|{{ at|date }}|{{ at|time }}|{{ day }}", "21. November 2026, 15:05 CET|21. November 2026|15:05|21. November 2026"),
        (Form::Text, "en", "{{ note }}-{{ note|default(\"none\") }}-{{ name|default(\"x\")|upper }}", "-none-ANN"),
        (Form::Text, "en", "{% for l in lines %}{{ loop.index }}/{{ lines|length }} {{ l.title }}{% if not loop.last %}, {% endif %}{% endfor %}", "1/2 one, 2/2 two"),
        (Form::Text, "en", "{% if count > 3 and is_new %}many{% elif note %}note{% else %}few{% endif %}", "many"),
        (Form::Text, "en", "a\n{% if is_new %}\nb\n{% endif %}\nc\n", "a\nb\nc\n"),
        (Form::Text, "en", "{# left out #}{{ name|truncate(2) }} {{ name|truncate(3) }}", "A… Ann"),
        (Form::Text, "en", "{{ \"a&b c/ä\"|urlencode }} {{ count|urlencode }}", "a%26b%20c%2F%C3%A4 12345.5"),
        (Form::Subject, "en", "  {{ name }}\r\nBcc: x@example.com\u{202e} ", "Ann Bcc: x@example.com"),
        (Form::Html, "en", "<a href=\"{{ url }}?n={{ name|urlencode }}\" style=\"color:{{ color }}\">{{ \"<&>\"|default(\"\") }}</a>{{ body }}", "<a href=\"https://example.com/?n=Ann\" style=\"color:#1a2b3c\">&lt;&amp;&gt;</a><p>x</p>"),
        (Form::Html, "en", "<!DOCTYPE html><!--[if mso]><b>x</b><![endif]--><title>{{ name }}</title><style>a { color: {{ color }} }</style><br/>", "<!DOCTYPE html><!--[if mso]><b>x</b><![endif]--><title>Ann</title><style>a { color: #1a2b3c }</style><br/>"),
    ];
    for (form, language, source, expected) in cases {
        assert_eq!(
            rendered(source, form, language).as_deref(),
            Ok(expected),
            "{source}"
        );
    }
}

#[test]
fn data_have_to_fit() {
    let variables = declared();
    let fill = |data: &str| render("{{ name }}", Form::Text, &variables, data, &locale("en"));
    for (change, code, name) in [
        (r#""name": null"#, "template.variable_missing", "name"),
        (r#""name": 1"#, "template.variable_invalid", "name"),
        (
            r#""url": "javascript:alert(1)""#,
            "template.variable_invalid",
            "url",
        ),
        (r#""count": "1""#, "template.variable_invalid", "count"),
        (r#""at": "yesterday""#, "template.variable_invalid", "at"),
        (
            r#""price": {"amount_minor": 1, "currency": "eur"}"#,
            "template.variable_invalid",
            "price",
        ),
        (
            r#""price": {"amount_minor": 1.5, "currency": "EUR"}"#,
            "template.variable_invalid",
            "price",
        ),
        (
            r##""color": "#12345g""##,
            "template.variable_invalid",
            "color",
        ),
        (
            r#""person": {}"#,
            "template.variable_missing",
            "person.name",
        ),
        (
            r#""lines": [{"title": "a", "parts": [{}]}]"#,
            "template.variable_missing",
            "lines[0].parts[0].name",
        ),
        (r#""lines": [1]"#, "template.variable_invalid", "lines[0]"),
    ] {
        // Of two values of a name the last counts.
        let data = format!("{},{change}}}", DATA.trim_end().trim_end_matches('}'));
        let error = fill(&data).expect_err(change);
        assert_eq!((error.code(), error.name()), (code, Some(name)), "{change}");
    }
    for data in ["", "[]", "null", "{"] {
        assert_eq!(fill(data), Err(TemplateError::DataMalformed));
    }
}

#[test]
fn what_is_too_much_ends_in_an_error() {
    let many = |part: &str, count: usize| part.repeat(count);
    let deep =
        |open: &str, close: &str, count| format!("{}{}", many(open, count), many(close, count));
    for (source, code) in [
        ("x".repeat(SOURCE_BYTES_MAX + 1), "template.too_large"),
        (
            format!("{{{{ {}name }}}}", many("not ", 16_000)),
            "template.too_complex",
        ),
        (
            format!("{{{{ {}1 }}}}", many("-", 65_000)),
            "template.not_allowed",
        ),
        (
            format!("{{{{ {}name{} }}}}", many("(", 20), many(")", 20)),
            "template.too_complex",
        ),
        (
            format!("{{{{ name{} }}}}", many("|upper", 9_000)),
            "template.too_complex",
        ),
        (
            format!("{{{{ name{} }}}}", many(".x", 30_000)),
            "template.too_complex",
        ),
        (
            format!("{{{{ name{} }}}}", many(" if name else name", 3_000)),
            "template.too_complex",
        ),
        (
            deep("{% if is_new %}", "{% endif %}", 2_000),
            "template.too_complex",
        ),
        (
            deep("{% if is_new %}", "{% endif %}", 180),
            "template.syntax_invalid",
        ),
        (
            format!(
                "{{% if is_new %}}{}{{% endif %}}",
                many("{% elif is_new %}", 3_000)
            ),
            "template.too_complex",
        ),
    ] {
        let error = checked(&source, Form::Text).expect_err("too much");
        assert_eq!(error.code(), code, "{}", &source[..40.min(source.len())]);
    }
    // As much as is allowed, in the stack that a test has.
    let elifs = format!(
        "{{% if is_new %}}{}{{% endif %}}",
        many("{% elif is_new %}", 390)
    );
    assert_eq!(checked(&elifs, Form::Html), Ok(()));
    assert_eq!(rendered(&elifs, Form::Html, "en").as_deref(), Ok(""));
}

#[test]
fn what_becomes_too_much_ends_in_an_error() {
    let item = r#"{"title": "t", "parts": [{"name": "p"}]}"#;
    let lines = format!("[{}]", vec![item; 3_000].join(","));
    let data = format!(
        "{},\"lines\": {lines}, \"name\": \"{}\"}}",
        DATA.trim_end().trim_end_matches('}'),
        "n".repeat(1_000)
    );
    let fill = |source: &str| render(source, Form::Text, &declared(), &data, &locale("en"));
    let inner = "{% for a in lines %}{% for b in lines %}{% for c in lines %}{% endfor %}{% endfor %}{% endfor %}";
    assert_eq!(fill(inner), Err(TemplateError::OutOfFuel));
    let long = "{% for a in lines %}{{ name }}{% endfor %}";
    assert_eq!(fill(long), Err(TemplateError::OutputTooLarge));
    let subject = render(
        "{{ name }} {{ name }}",
        Form::Subject,
        &declared(),
        &data,
        &locale("en"),
    );
    assert!(subject.is_ok_and(|subject| subject.len() <= SUBJECT_BYTES_MAX && subject.len() > 900));
    let empty = render(
        "{{ note }}",
        Form::Subject,
        &declared(),
        DATA,
        &locale("en"),
    );
    assert_eq!(empty, Err(TemplateError::SubjectEmpty));
}

/// What another reader of HTML finds in a page.
fn tokens(html: &str) -> Vec<Token> {
    let mut reader = DefaultEmitter::default();
    reader.naively_switch_states(true);
    Tokenizer::new_with_emitter(html, reader)
        .flatten()
        .collect()
}

/// The shape of a page: its elements and the names of their attributes.
fn shape(html: &str) -> Vec<String> {
    tokens(html)
        .into_iter()
        .filter_map(|token| match token {
            Token::StartTag(tag) => Some(format!(
                "<{} {:?}",
                String::from_utf8_lossy(&tag.name),
                tag.attributes
                    .keys()
                    .map(|name| String::from_utf8_lossy(name).into_owned())
                    .collect::<Vec<_>>()
            )),
            Token::EndTag(tag) => Some(format!("</{}", String::from_utf8_lossy(&tag.name))),
            Token::Comment(comment) => Some(String::from_utf8_lossy(&comment).into_owned()),
            _ => None,
        })
        .collect()
}

/// The addresses that a page leads to.
fn addresses(html: &str) -> Vec<String> {
    tokens(html)
        .into_iter()
        .filter_map(|token| match token {
            Token::StartTag(tag) => Some(tag.attributes),
            _ => None,
        })
        .flatten()
        .filter(|(name, _)| matches!(name.as_slice(), b"href" | b"src"))
        .map(|(_, value)| String::from_utf8_lossy(&value).into_owned())
        .collect()
}

/// Pieces of templates; put together at random they are sometimes one.
fn fragments() -> impl Strategy<Value = String> {
    let pieces = vec![
        "{{ name }}",
        "{{ note }}",
        "{{ url }}",
        "{{ name|urlencode }}",
        "{{ color }}",
        "{{ body }}",
        "{% if note %}",
        "{% else %}",
        "{% endif %}",
        "{% for l in lines %}",
        "{% endfor %}",
        "{{ l.title }}",
        "<p>",
        "</p>",
        "<a href=\"",
        "<img src='",
        "<p title=\"",
        "<p style='",
        "\"",
        "'",
        ">",
        "/>",
        "<",
        "</",
        "<!--",
        "-->",
        "<!",
        "<title>",
        "</title>",
        "<style>",
        "</style>",
        "</STYLE",
        "https://a.example/",
        "javascript:",
        " ",
        "\n",
        "=",
        "x",
        "&",
        "-",
        "<br />",
        "%}",
        "{{",
        "}}",
        "{#",
        "#}",
        "<script>",
        "é",
        "<p lang=\"{{ name }}\" title='{{ note }}'>",
        // Whole elements that are refused: none of them may ever get through.
        "<a href=\"{{ name }}\">",
        "<a href='https://{{ name|urlencode }}/'>",
        "<p title={{ name }}>",
        "<p {{ name }}>",
        "<style>{{ name }}</style>",
        "<!-- {{ name }} -->",
        "<a href=\"{{ url }}\">{{ name }}</a>",
        "<td background=\"https://a.example/?{{ name|urlencode }}\">",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..14).prop_map(|pieces| pieces.concat())
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\"><script>alert(1)</script>".to_owned()),
        Just("' onmouseover='alert(1)".to_owned()),
        Just("--><img src=x onerror=alert(1)>".to_owned()),
        Just("</title></style><b>".to_owned()),
        Just("{{ url }}{% if %}".to_owned()),
        Just("javascript:alert(1)".to_owned()),
        Just("\r\nBcc: eve@evil.example\r\n\r\n".to_owned()),
        "\\PC{0,30}",
        "[<>\"'&=/ \\-a-z\u{0}-\u{1f}]{0,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_source_upsets_it(source in "\\PC{0,200}", pieces in fragments()) {
        for form in [Form::Subject, Form::Text, Form::Html] {
            for source in [&source, &pieces] {
                let is_refused = checked(source, form).is_err();
                let outcome = rendered(source, form, "de");
                prop_assert!(!is_refused || outcome.is_err());
            }
        }
    }

    #[test]
    fn hostile_values_stay_where_they_are_put(
        source in fragments(), name in hostile(), title in hostile()
    ) {
        let fill = |name: &str, title: &str| {
            let data = serde_json::json!({
                "name": name, "note": title, "url": "https://example.com/a?b=c&d", "count": 1,
                "at": "2026-11-21T14:05:30Z", "day": "2026-11-21",
                "price": {"amount_minor": 1, "currency": "EUR"}, "is_new": true,
                "color": "#1a2b3c", "body": "<p>x</p>", "person": {"name": name},
                "lines": [{"title": title, "parts": []}],
            });
            render(&source, Form::Html, &declared(), &data.to_string(), &locale("en"))
        };
        if let (Ok(benign), Ok(hostile)) = (fill("Ann", "Bob"), fill(&name, if title.is_empty() { "x" } else { &title })) {
            prop_assert_eq!(shape(&benign), shape(&hostile), "{}", source);
            for address in addresses(&hostile) {
                prop_assert!(
                    address.is_empty() || address.starts_with("https://"), "{source} {address}"
                );
            }
        }
    }

    #[test]
    fn a_subject_is_one_line(name in hostile()) {
        let data = format!(
            "{},\"name\": {}}}",
            DATA.trim_end().trim_end_matches('}'),
            serde_json::Value::from(name)
        );
        let subject = render("Re: {{ name }}", Form::Subject, &declared(), &data, &locale("en"));
        let subject = subject.expect("something fixed is in it");
        prop_assert!(!subject.contains(char::is_control), "{subject:?}");
        prop_assert!(subject.len() <= SUBJECT_BYTES_MAX);
        prop_assert!(subject.len() <= OUTPUT_BYTES_MAX);
    }
}
