//! A device that does not exist: random walks with two decimals, as sensors send them.

use std::io::Write as _;

/// Names as real devices use them; with more metrics than names, a number follows.
const NAMES: [&str; 10] = [
    "temperature",
    "humidity",
    "pressure",
    "voltage",
    "current",
    "speed",
    "level",
    "vibration",
    "flow",
    "signal",
];

/// One simulated device.
#[derive(Debug)]
pub struct Device {
    /// Its slug.
    pub slug: String,
    /// Where it publishes.
    pub topic: String,
    /// Hundredths.
    values: Vec<i32>,
    at_last_micros: i64,
}

/// The names of `count` metrics, each as the JSON text that comes before its value.
#[must_use]
pub fn metric_keys(count: u16) -> Vec<String> {
    (0..usize::from(count))
        .map(
            |place| match (NAMES[place % NAMES.len()], place / NAMES.len()) {
                (name, 0) => format!(",\"{name}\":"),
                (name, round) => format!(",\"{name}_{}\":", round + 1),
            },
        )
        .collect()
}

impl Device {
    /// The device that publishes to `topic`, with `metrics` values somewhere in their range.
    #[must_use]
    pub fn new(slug: String, topic: String, metrics: u16) -> Self {
        let values = (0..metrics).map(|_| fastrand::i32(1_000..9_000)).collect();
        Self {
            slug,
            topic,
            values,
            at_last_micros: 0,
        }
    }

    /// Takes new readings, writes them into `payload` as JSON and returns their time in
    /// microseconds: `now_micros`, or a little later so that no two messages of a device share it.
    pub fn measure(&mut self, now_micros: i64, keys: &[String], payload: &mut Vec<u8>) -> i64 {
        let at = now_micros.max(self.at_last_micros + 1);
        self.at_last_micros = at;
        payload.clear();
        // Writing into a vector cannot fail.
        let _ = write!(payload, "{{\"at\":{at}");
        for (value, key) in self.values.iter_mut().zip(keys) {
            *value = (*value + fastrand::i32(-20..=20)).clamp(0, 10_000);
            let _ = write!(payload, "{key}{}.{:02}", *value / 100, *value % 100);
        }
        payload.push(b'}');
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenon_domain::telemetry::payload::parse;
    use tenon_domain::time::Timestamp;

    #[test]
    fn what_a_device_sends_can_be_read_and_no_time_comes_twice() {
        let keys = metric_keys(12);
        let mut device = Device::new("sim-1".to_owned(), String::new(), 12);
        let mut payload = Vec::new();
        let now = 1_764_000_000_000_000;
        for expected in [now, now + 1] {
            assert_eq!(device.measure(now, &keys, &mut payload), expected);
            let messages = parse(&payload, Timestamp::from_micros(now)).expect("valid");
            assert_eq!(messages[0].at, Timestamp::from_micros(expected));
            assert_eq!(messages[0].readings.len(), 12);
            assert_eq!(messages[0].readings[11].0, "humidity_2");
        }
    }
}
