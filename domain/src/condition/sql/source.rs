//! Where the value of a field is, and how SQL compares what is there.
//!
//! A column has the type that the schema says. Under a key of a `jsonb` column may be anything,
//! whatever the schema says: its type is asked first, and nothing is cast that could fail.

use super::super::canonical::value_json;
use super::super::fields::FieldType;
use super::super::leaf::Comparison;
use super::super::time::{DATE_BOUNDS, INSTANT_BOUNDS};
use super::super::value::Wanted;
use super::Values;

/// Where a value is, as a SQL expression.
pub(super) enum Source {
    /// In a column of a type.
    Column(String, FieldType),
    /// Under keys of a `jsonb` column.
    Key(String),
}

/// Two expressions to compare, and what has to hold beside so that something is known.
pub(super) struct Sides {
    found: String,
    pub(super) wanted: String,
    /// The JSON type that is compared.
    of_type: Option<(String, &'static str)>,
    /// What is less than all that is compared, and what is greater, as comparisons.
    bounds: Option<[String; 2]>,
}

impl Sides {
    /// The comparison, with what has to hold beside where the operator would let something through.
    pub(super) fn holds(&self, operator: &str, comparison: Comparison) -> String {
        let Self { found, wanted, .. } = self;
        let mut parts = vec![format!("{found} {operator} {wanted}")];
        if let (Some((json, name)), true) = (&self.of_type, comparison != Comparison::Equal) {
            parts.insert(0, format!("jsonb_typeof({json}) = '{name}'"));
        }
        if let Some([low, high]) = &self.bounds {
            use Comparison as C;

            if matches!(comparison, C::NotEqual | C::Less | C::LessOrEqual) {
                parts.push(format!("{found} {low}"));
            }
            if matches!(comparison, C::NotEqual | C::Greater | C::GreaterOrEqual) {
                parts.push(format!("{found} {high}"));
            }
        }
        match parts.as_slice() {
            [only] => only.clone(),
            _ => format!("({})", parts.join(" and ")),
        }
    }
}

const fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

impl Source {
    /// Whether there is no value; or, the other way round, whether there is one.
    pub(super) fn is_null(&self, asked: bool) -> String {
        match self {
            Self::Column(column, kind) if *kind != FieldType::Json => {
                let not = if asked { "" } else { "not " };
                format!("{column} is {not}null")
            }
            Self::Column(json, _) | Self::Key(json) => {
                let equals = if asked { "=" } else { "<>" };
                format!("coalesce(to_jsonb({json}), 'null') {equals} 'null'")
            }
        }
    }

    pub(super) fn compare(
        &self,
        comparison: Comparison,
        wanted: &Wanted,
        values: &mut Values,
    ) -> String {
        if let (Self::Key(json), Wanted::Relative(_)) = (self, wanted) {
            // A text that is an instant is no date.
            let place = values.bind(value_json(wanted));
            let symbol = symbol(comparison);
            let of = |kind| {
                format!(
                    "tenon.condition_{kind}({json} #>> '{{}}') {symbol} \
                     tenon.condition_{kind}($1 -> {place}, $2)"
                )
            };
            return format!("({} or {})", of("instant"), of("date"));
        }
        let sides = self.sides(comparison, wanted, values);
        sides.holds(symbol(comparison), comparison)
    }

    /// The two sides of a comparison.
    pub(super) fn sides(
        &self,
        comparison: Comparison,
        wanted: &Wanted,
        values: &mut Values,
    ) -> Sides {
        let place = values.bind(value_json(wanted));
        let is_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let collate = if is_order { " collate \"C\"" } else { "" };
        let text = format!("($1 ->> {place})");
        let (found, wanted, of_type, bounds) = match (self, wanted) {
            (Self::Column(it, FieldType::Number), _) => {
                // By its text, which has all digits of a float.
                let bounds = ["> '-Infinity'", "< 'Infinity'"].map(str::to_owned);
                let wanted = format!("{text}::numeric");
                (format!("{it}::text::numeric"), wanted, None, Some(bounds))
            }
            (Self::Column(it, FieldType::Boolean), _) => {
                (it.clone(), format!("{text}::boolean"), None, None)
            }
            (Self::Column(it, FieldType::Id), _) => {
                (it.clone(), format!("{text}::uuid"), None, None)
            }
            (Self::Column(it, FieldType::Instant), Wanted::Relative(_)) => {
                let wanted = format!("tenon.condition_instant($1 -> {place}, $2)");
                (
                    it.clone(),
                    wanted,
                    None,
                    Some(bounds("timestamptz", INSTANT_BOUNDS)),
                )
            }
            (Self::Column(it, FieldType::Instant), _) => {
                let wanted = format!("tenon.condition_instant({text})");
                (
                    it.clone(),
                    wanted,
                    None,
                    Some(bounds("timestamptz", INSTANT_BOUNDS)),
                )
            }
            (Self::Column(it, FieldType::Date), Wanted::Relative(_)) => {
                let wanted = format!("tenon.condition_date($1 -> {place}, $2)");
                (it.clone(), wanted, None, Some(bounds("date", DATE_BOUNDS)))
            }
            (Self::Column(it, FieldType::Date), _) => {
                let bounds = is_order.then(|| bounds("date", DATE_BOUNDS));
                (
                    it.clone(),
                    format!("tenon.condition_date({text})"),
                    None,
                    bounds,
                )
            }
            (Self::Key(it), Wanted::Number(_)) => {
                let of_type = Some((it.clone(), "number"));
                (it.clone(), format!("($1 -> {place})"), of_type, None)
            }
            (Self::Key(it), Wanted::Boolean(_)) => {
                let of_type = Some((it.clone(), "boolean"));
                (it.clone(), format!("($1 -> {place})"), of_type, None)
            }
            (Self::Key(it), Wanted::Text(_)) => {
                let of_type = Some((it.clone(), "string"));
                if is_order {
                    (format!("({it} #>> '{{}}'){collate}"), text, of_type, None)
                } else {
                    (it.clone(), format!("($1 -> {place})"), of_type, None)
                }
            }
            (Self::Column(..) | Self::Key(_), wanted) => {
                let it = match self {
                    Self::Column(column, _) => format!("{column}::text"),
                    Self::Key(json) => format!("{json} #>> '{{}}'"),
                };
                match wanted {
                    Wanted::Instant(_) => (
                        format!("tenon.condition_instant({it})"),
                        format!("tenon.condition_instant({text})"),
                        None,
                        None,
                    ),
                    Wanted::Day(_) => (
                        format!("tenon.condition_date({it})"),
                        format!("tenon.condition_date({text})"),
                        None,
                        None,
                    ),
                    _ => (format!("{it}{collate}"), text, None, None),
                }
            }
        };
        Sides {
            found,
            wanted,
            of_type,
            bounds,
        }
    }

    /// Whether a text contains another one, or a list has it.
    pub(super) fn contains(&self, wanted: &str, negated: bool) -> String {
        let (not, none) = if negated {
            ("not ", "= 0")
        } else {
            ("", "> 0")
        };
        match self {
            Self::Column(it, FieldType::List) => {
                // A list of lists has no texts.
                let has = format!("coalesce(array_ndims({it}), 1) = 1 and {it} @> array[{wanted}]");
                if negated {
                    format!("({it} is not null and not ({has}))")
                } else {
                    format!("({has})")
                }
            }
            Self::Column(it, _) => format!("strpos({it}::text, {wanted}) {none}"),
            Self::Key(it) => format!(
                "case jsonb_typeof({it}) when 'string' then strpos({it} #>> '{{}}', {wanted}) {none} \
                 when 'array' then {not}{it} ? {wanted} end"
            ),
        }
    }

    /// What is asked of a text.
    pub(super) fn text_is(&self, asked: impl Fn(&str) -> String) -> String {
        match self {
            Self::Column(it, _) => asked(&format!("{it}::text")),
            Self::Key(it) => {
                let asked = asked(&format!("{it} #>> '{{}}'"));
                format!("(jsonb_typeof({it}) = 'string' and {asked})")
            }
        }
    }
}

fn bounds(kind: &str, [from, to]: [&str; 2]) -> [String; 2] {
    [format!(">= {kind} '{from}'"), format!("< {kind} '{to}'")]
}
