//! Decides when an attempt that failed is made again, and when no more.
//!
//! Each channel has a schedule: how long after the attempt before it each attempt waits. Jitter
//! only lengthens a wait, so that those who failed together do not come again together, and
//! nobody comes earlier than a schedule or a server has said.

use sha2::{Digest, Sha256};

use super::Channel;
use crate::time::Timestamp;

const MINUTE_S: u32 = 60;
const HOUR_S: u32 = 60 * MINUTE_S;

/// The schedule of Standard Webhooks 1.0: ten attempts within 76 hours.
const WEBHOOK_S: &[u32] = &[
    0,
    5,
    5 * MINUTE_S,
    30 * MINUTE_S,
    2 * HOUR_S,
    5 * HOUR_S,
    10 * HOUR_S,
    14 * HOUR_S,
    20 * HOUR_S,
    24 * HOUR_S,
];

/// Nine attempts within 47 hours: RFC 5321 §4.5.4.1 has servers wait 30 minutes, but the first
/// waits are for people who wait for a code, and long enough for a greylist that wants one minute.
const EMAIL_S: &[u32] = &[
    0,
    MINUTE_S,
    5 * MINUTE_S,
    15 * MINUTE_S,
    HOUR_S,
    3 * HOUR_S,
    6 * HOUR_S,
    12 * HOUR_S,
    24 * HOUR_S,
];

/// Six attempts within three hours: what a job in the database waits for is a lock or a deployment.
const JOB_S: &[u32] = &[0, 10, MINUTE_S, 5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S];

/// No server may ask for a longer wait than this, a day: what it asks for is not always meant.
pub const RETRY_AFTER_S_MAX: u32 = 24 * HOUR_S;

/// Jitter lengthens a wait by up to one part in so many.
pub const JITTER_PARTS: u32 = 10;

const SECOND_MICROS: i64 = 1_000_000;

/// How long each attempt waits after the one before it, in seconds. The first waits for nothing.
#[must_use]
pub const fn waits_s(channel: Channel) -> &'static [u32] {
    match channel {
        Channel::Email => EMAIL_S,
        Channel::Webhook => WEBHOOK_S,
        Channel::Job => JOB_S,
    }
}

/// When the next attempt is due after the attempt of this number, counted from 1, failed at `at`;
/// none when that was the last.
///
/// `retry_after_s` is what the other side asked for; it counts up to [`RETRY_AFTER_S_MAX`]. Jitter
/// comes from `seed` and the number of the attempt alone: asked again, the answer is the same.
#[must_use]
pub fn next_attempt_at(
    channel: Channel,
    attempt: u32,
    at: Timestamp,
    retry_after_s: Option<u32>,
    seed: &str,
) -> Option<Timestamp> {
    let wait_s = usize::try_from(attempt.max(1))
        .ok()
        .and_then(|made| waits_s(channel).get(made))?;
    let wait_s = (*wait_s).max(retry_after_s.unwrap_or(0).min(RETRY_AFTER_S_MAX));
    let wait_micros = i64::from(wait_s) * SECOND_MICROS;
    let wait_micros = wait_micros + jitter_micros(wait_micros, attempt, seed);
    Some(Timestamp::from_micros(
        at.as_micros().saturating_add(wait_micros),
    ))
}

/// From nothing to one part of [`JITTER_PARTS`] of the wait.
fn jitter_micros(wait_micros: i64, attempt: u32, seed: &str) -> i64 {
    let digest = Sha256::new()
        .chain_update(attempt.to_be_bytes())
        .chain_update(seed)
        .finalize();
    let drawn = digest[..4]
        .iter()
        .fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
    // At most 8.64e9 µs times 2^32: that does not fit into 64 bits.
    let jitter = i128::from(wait_micros / i64::from(JITTER_PARTS)) * i128::from(drawn);
    i64::try_from(jitter >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

    fn wait_micros(
        channel: Channel,
        attempt: u32,
        asked_s: Option<u32>,
        seed: &str,
    ) -> Option<i64> {
        next_attempt_at(channel, attempt, AT, asked_s, seed)
            .map(|next| next.as_micros() - AT.as_micros())
    }

    #[test]
    fn webhooks_follow_the_published_schedule() {
        // The column "time since start" of the specification.
        let published_s = [
            0, 5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105,
        ];
        let since_start_s: Vec<u32> = waits_s(Channel::Webhook)
            .iter()
            .scan(0, |sum, wait| {
                *sum += wait;
                Some(*sum)
            })
            .collect();
        assert_eq!(since_start_s, published_s);
    }

    #[test]
    fn every_schedule_begins_at_once_and_grows() {
        for channel in Channel::ALL {
            let waits = waits_s(channel);
            assert_eq!(waits.first(), Some(&0));
            assert!(waits.is_sorted_by(|one, next| one < next), "{channel}");
            assert!(waits.iter().all(|wait| *wait <= RETRY_AFTER_S_MAX));
        }
    }

    #[test]
    fn jitter_spreads_those_who_failed_together() {
        let waits: Vec<i64> = (0..1_000)
            .filter_map(|number| wait_micros(Channel::Email, 4, None, &number.to_string()))
            .collect();
        let hour = 3_600 * SECOND_MICROS;
        // In each tenth of the six minutes about 100: 60 is more than four deviations away.
        for tenth in 0..10 {
            let from = hour + tenth * hour / 100;
            let inside = |wait: &&i64| (from..from + hour / 100).contains(*wait);
            assert!(waits.iter().filter(inside).count() > 60, "tenth {tenth}");
        }
    }

    #[test]
    fn the_end_of_time_is_no_trouble() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(next_attempt_at(Channel::Job, 1, end, None, ""), Some(end));
    }

    proptest! {
        #[test]
        fn no_attempt_comes_earlier_than_asked_or_much_later(
            place in 0..3_usize, attempt: u32, small in 0..12_u32, is_small: bool,
            asked_s: Option<u32>, seed in "\\PC*",
        ) {
            let channel = Channel::ALL[place];
            let attempt = if is_small { small } else { attempt };
            let waits = waits_s(channel);
            let wait = wait_micros(channel, attempt, asked_s, &seed);
            prop_assert_eq!(wait, wait_micros(channel, attempt, asked_s, &seed));
            match waits.get(attempt.max(1) as usize) {
                None => prop_assert_eq!(wait, None),
                Some(scheduled_s) => {
                    let asked_s = asked_s.unwrap_or(0).min(86_400);
                    let least = i64::from(asked_s.max(*scheduled_s)) * SECOND_MICROS;
                    let wait = wait.expect("the schedule goes on");
                    prop_assert!(wait >= least);
                    prop_assert!(wait <= least + least / 10);
                }
            }
        }
    }
}
