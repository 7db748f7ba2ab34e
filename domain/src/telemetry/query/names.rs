//! Decides under which names an answer lists its series, and in which order.

use std::collections::HashMap;

use super::answer::{BucketRow, ReadingRow};

/// Names of devices or of metrics, by number.
#[derive(Clone, Debug, Default)]
pub struct Names<'n> {
    names: HashMap<i32, &'n str>,
}

/// A row of an answer, which is of one series.
pub trait SeriesRow {
    /// The numbers of device and metric, where rows are not of all together.
    fn series(&self) -> (Option<i32>, Option<i32>);
}

impl SeriesRow for BucketRow<'_> {
    fn series(&self) -> (Option<i32>, Option<i32>) {
        (self.device, self.metric)
    }
}

impl SeriesRow for ReadingRow<'_> {
    fn series(&self) -> (Option<i32>, Option<i32>) {
        (Some(self.device), Some(self.metric))
    }
}

impl<'n> Names<'n> {
    /// The names that stand at the places of the numbers.
    #[must_use]
    pub fn new(
        numbers: impl IntoIterator<Item = i32>,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        Self {
            names: numbers.into_iter().zip(names).collect(),
        }
    }

    /// The name of a number, if it has one.
    #[must_use]
    pub fn of(&self, number: i32) -> Option<&'n str> {
        self.names.get(&number).copied()
    }
}

/// The rows with the names of their series, ordered by these; the rows of one series keep their
/// order, and those of a series without a name are left out, as it is there no more.
#[must_use]
pub fn named<'n, R: SeriesRow>(
    rows: Vec<R>,
    devices: &Names<'n>,
    metrics: &Names<'n>,
) -> Vec<(Option<&'n str>, Option<&'n str>, R)> {
    let mut last = None;
    let mut named = Vec::with_capacity(rows.len());
    for row in rows {
        let series = row.series();
        let names = match last {
            Some((known, names)) if known == series => names,
            _ => {
                let name = |number: Option<i32>, names: &Names<'n>| match number {
                    Some(number) => names.of(number).map(Some),
                    None => Some(None),
                };
                name(series.0, devices).zip(name(series.1, metrics))
            }
        };
        last = Some((series, names));
        if let Some((device, metric)) = names {
            named.push((device, metric, row));
        }
    }
    let key = |row: &(Option<&'n str>, Option<&'n str>, R)| (row.0, row.1);
    if !named.is_sorted_by_key(key) {
        named.sort_by_key(key);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::value::Value;
    use crate::time::Timestamp;

    #[test]
    fn series_are_listed_by_name_and_their_readings_by_time() {
        let devices = Names::new([1, 2], ["truck", "car"]);
        let metrics = Names::new([7], ["speed"]);
        let row = |device, metric, at| ReadingRow {
            device,
            metric,
            at: Timestamp::from_micros(at),
            value: Value::Null,
        };
        let rows = vec![
            row(1, 7, 5),
            row(1, 7, 6),
            row(2, 7, 9),
            row(2, 8, 9),
            row(3, 7, 9),
        ];
        let listed: Vec<_> = named(rows, &devices, &metrics)
            .into_iter()
            .map(|(device, metric, row)| (device, metric, row.at.as_micros()))
            .collect();
        let speed = Some("speed");
        assert_eq!(
            listed,
            [
                (Some("car"), speed, 9),
                (Some("truck"), speed, 5),
                (Some("truck"), speed, 6),
            ]
        );
    }
}
