//! Decides which time each row carries, and when it is sent.

use std::time::Duration;

use super::options::Speed;

/// The times of a replay. Times are in microseconds: those that rows carry since 1970, those of
/// sending since the replay began.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    interval_micros: f64,
    speed: Speed,
    rate: Option<f64>,
    /// The time of the first row, if it is not taken from the table.
    start_micros: Option<i64>,
    /// The time of the first row in the table.
    recorded_start_micros: Option<i64>,
}

impl Schedule {
    /// A schedule for a table of `rows` rows, `interval` apart where they carry no times.
    /// Where neither `start_micros` nor the table says when it began, the last row is sent at the
    /// time that it carries, given that it is `now_micros`.
    #[must_use]
    pub fn new(
        rows: usize,
        interval: Duration,
        (speed, rate): (Speed, Option<f64>),
        (start_micros, has_times): (Option<i64>, bool),
        now_micros: i64,
    ) -> Self {
        let mut schedule = Self {
            interval_micros: interval.as_secs_f64() * 1e6,
            speed,
            rate,
            start_micros,
            recorded_start_micros: None,
        };
        if start_micros.is_none() && !has_times {
            let last = rows.saturating_sub(1);
            let recorded = schedule.offset_micros(last);
            let sending = micros(schedule.send_after(last, recorded));
            schedule.start_micros = Some(now_micros + sending - recorded);
        }
        schedule
    }

    /// The time that a row carries, and how long after the beginning it is sent. `place` counts
    /// the rows from 0; `recorded_micros` is the time in the table, where it has times.
    pub fn row(&mut self, place: usize, recorded_micros: Option<i64>) -> (i64, Duration) {
        let offset = match recorded_micros {
            Some(time) => time - *self.recorded_start_micros.get_or_insert(time),
            None => self.offset_micros(place),
        };
        let start = self
            .start_micros
            .or(self.recorded_start_micros)
            .unwrap_or_default();
        (start + offset, self.send_after(place, offset))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "rows and µs"
    )]
    fn offset_micros(&self, place: usize) -> i64 {
        (place as f64 * self.interval_micros).round() as i64
    }

    #[expect(clippy::cast_precision_loss, reason = "waits need no more")]
    fn send_after(&self, place: usize, offset_micros: i64) -> Duration {
        let seconds = match (self.rate, self.speed) {
            (Some(rate), _) => place as f64 / rate,
            (None, Speed::Times(times)) => offset_micros as f64 / 1e6 / times,
            (None, Speed::Max) => 0.0,
        };
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_764_000_000_000_000;
    const SECOND: i64 = 1_000_000;
    const STEP: Duration = Duration::from_secs(1);

    #[test]
    fn in_real_time_a_row_is_sent_when_it_happens() {
        let mut schedule = Schedule::new(100, STEP, (Speed::Times(1.0), None), (None, false), NOW);
        assert_eq!(schedule.row(0, None), (NOW, Duration::ZERO));
        assert_eq!(
            schedule.row(99, None),
            (NOW + 99 * SECOND, Duration::from_secs(99))
        );
    }

    #[test]
    fn a_faster_replay_ends_at_the_present() {
        let mut schedule = Schedule::new(101, STEP, (Speed::Times(10.0), None), (None, false), NOW);
        assert_eq!(
            schedule.row(100, None),
            (NOW + 10 * SECOND, Duration::from_secs(10))
        );
        assert_eq!(schedule.row(0, None), (NOW - 90 * SECOND, Duration::ZERO));
        let mut schedule = Schedule::new(101, STEP, (Speed::Max, None), (None, false), NOW);
        assert_eq!(schedule.row(100, None), (NOW, Duration::ZERO));
    }

    #[test]
    fn recorded_times_are_kept_unless_a_start_is_given() {
        let speed = (Speed::Times(2.0), None);
        let mut schedule = Schedule::new(2, STEP, speed, (None, true), NOW);
        assert_eq!(
            schedule.row(0, Some(5 * SECOND)),
            (5 * SECOND, Duration::ZERO)
        );
        assert_eq!(
            schedule.row(1, Some(9 * SECOND)),
            (9 * SECOND, Duration::from_secs(2))
        );
        let mut schedule = Schedule::new(2, STEP, speed, (Some(NOW), true), NOW);
        assert_eq!(schedule.row(0, Some(5 * SECOND)), (NOW, Duration::ZERO));
        assert_eq!(schedule.row(1, Some(9 * SECOND)).0, NOW + 4 * SECOND);
    }

    #[test]
    fn a_rate_sends_rows_evenly_whatever_their_times() {
        let pace = (Speed::Times(1.0), Some(4.0));
        let mut schedule = Schedule::new(9, 60 * STEP, pace, (Some(NOW), false), NOW);
        assert_eq!(
            schedule.row(8, None),
            (NOW + 480 * SECOND, Duration::from_secs(2))
        );
    }
}
