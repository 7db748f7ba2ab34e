//! Decides which metric each column of a table becomes.

use std::collections::HashSet;

use anyhow::{Result, bail};
use tenon_domain::telemetry::payload::METRIC_NAME_BYTES_MAX;

use super::options::ReplayOptions;

/// Names under which tables keep the time.
const TIME_NAMES: [&str; 6] = ["at", "ts", "time", "timestamp", "datetime", "date"];

/// What the columns of a table are.
#[derive(Debug, PartialEq, Eq)]
pub struct Columns {
    /// The place of the time column, where there is one.
    pub time: Option<usize>,
    /// Place and metric of the columns that are published.
    pub metrics: Vec<(usize, String)>,
}

impl Columns {
    /// Reads the head of a table as the options say.
    ///
    /// # Errors
    /// A column that an option names and the table lacks, or no column left.
    pub fn new<'a>(head: impl Iterator<Item = &'a str>, options: &ReplayOptions) -> Result<Self> {
        let names: Vec<&str> = head.map(str::trim).collect();
        let cleans: Vec<String> = names.iter().map(|name| clean_name(name)).collect();
        let find = |wanted: &str| {
            let exact = names.iter().position(|name| *name == wanted.trim());
            exact.or_else(|| cleans.iter().position(|clean| clean == wanted.trim()))
        };
        let find_or_fail = |wanted: &String| match find(wanted) {
            Some(place) => Ok(place),
            None => bail!(
                "there is no column {wanted:?}; there are: {}",
                names.join(", ")
            ),
        };
        let time = match options.time_column.as_deref() {
            Some("-") => None,
            Some(name) => Some(find_or_fail(&name.to_owned())?),
            None => TIME_NAMES
                .iter()
                .find_map(|name| cleans.iter().position(|one| one == name)),
        };
        let only = options
            .only
            .iter()
            .map(find_or_fail)
            .collect::<Result<HashSet<_>>>()?;
        let skip = options
            .skip
            .iter()
            .map(find_or_fail)
            .collect::<Result<HashSet<_>>>()?;
        let mut metrics = Vec::new();
        let mut taken = HashSet::new();
        for (place, (name, clean)) in names.iter().zip(&cleans).enumerate() {
            let unwanted = !only.is_empty() && !only.contains(&place) || skip.contains(&place);
            if clean.is_empty() || Some(place) == time || unwanted {
                continue;
            }
            let renamed = options
                .renames
                .iter()
                .find(|(column, _)| find(column) == Some(place));
            let metric = match renamed {
                Some((_, metric)) => metric.clone(),
                None if options.raw_names => (*name).to_owned(),
                None => clean.clone(),
            };
            metrics.push((place, unique(metric, &mut taken)));
        }
        for (column, _) in &options.renames {
            find_or_fail(column)?;
        }
        if metrics.is_empty() {
            bail!("no column is left to publish");
        }
        Ok(Self { time, metrics })
    }
}

/// A column's name as a metric's: small letters, digits and single underscores, so
/// `ENGINE_RPM ()` becomes `engine_rpm` and `Speed (km/h)` becomes `speed_km_h`.
#[must_use]
pub fn clean_name(name: &str) -> String {
    let mut clean = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            if clean.len() + letter.len_utf8() > METRIC_NAME_BYTES_MAX {
                break;
            }
            clean.push(letter);
        } else if !clean.is_empty() && !clean.ends_with('_') {
            clean.push('_');
        }
    }
    clean.truncate(clean.trim_end_matches('_').len());
    clean
}

/// The name itself, or with a number behind it when it is taken.
fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn columns(head: &[&str], arguments: &[&str]) -> Result<Columns> {
        let command = ["tenon-bridge", "replay", "x.csv", "--device", "acme/d/car"];
        let cli = Cli::try_parse_from(command.iter().chain(arguments))?;
        let Command::Replay(options) = cli.command else {
            bail!("another command")
        };
        Columns::new(head.iter().copied(), &options)
    }

    fn metrics(head: &[&str], arguments: &[&str]) -> Vec<String> {
        let columns = columns(head, arguments).expect("valid");
        columns
            .metrics
            .into_iter()
            .map(|(_, metric)| metric)
            .collect()
    }

    #[test]
    fn names_are_cleaned() {
        for (name, clean) in [
            ("ENGINE_RPM ()", "engine_rpm"),
            ("ENGINE_RUN_TINE ()", "engine_run_tine"),
            (" Speed (km/h)", "speed_km_h"),
            ("a--b__c", "a_b_c"),
            ("Öl-Temperatur °C", "öl_temperatur_c"),
            ("()", ""),
        ] {
            assert_eq!(clean_name(name), clean, "{name}");
        }
        assert_eq!(clean_name(&"é".repeat(200)).len(), METRIC_NAME_BYTES_MAX);
    }

    #[test]
    fn columns_without_a_name_are_left_out_and_equal_names_are_numbered() {
        assert_eq!(metrics(&["A ()", "", "a", " "], &[]), ["a", "a_2"]);
    }

    #[test]
    fn options_choose_and_rename_by_either_form_of_a_name() {
        let head = ["RPM ()", "Speed (km/h)", "Fuel"];
        assert_eq!(
            metrics(&head, &["--rename", "RPM ()=rpm", "--skip", "fuel"]),
            ["rpm", "speed_km_h"]
        );
        assert_eq!(metrics(&head, &["--only", "rpm,Fuel"]), ["rpm", "fuel"]);
        assert_eq!(
            metrics(&head, &["--raw-names", "--only", "rpm"]),
            ["RPM ()"]
        );
        assert!(columns(&head, &["--skip", "nothing"]).is_err());
        assert!(columns(&head, &["--rename", "nothing=x"]).is_err());
    }

    #[test]
    fn the_time_column_is_found_and_not_published() {
        let found =
            |arguments: &[&str]| columns(&["value", "Timestamp"], arguments).expect("valid");
        assert_eq!(
            found(&[]),
            Columns {
                time: Some(1),
                metrics: vec![(0, "value".to_owned())]
            }
        );
        assert_eq!(found(&["--time-column", "-"]).time, None);
        assert_eq!(found(&["--time-column", "value"]).time, Some(0));
    }
}
