//! Decides which neighbouring blocks of a device become one.
//!
//! Compaction adds a short block for each device every minute. Blocks are of a class by the digits
//! of their length in base sixteen, and the newest are merged as soon as that makes a block of a
//! higher class than any of them: so a reading is written anew at most once in each class, and few
//! blocks of each are left (a log-structured merge with tiers: O'Neil et al., "The Log-Structured
//! Merge-Tree", 1996).

use super::blocks;
use crate::telemetry::block::BLOCK_ROWS_MAX;
use crate::time::Timestamp;

/// How many of the newest blocks are looked at: sixteen of each class, and what strays between them.
pub const NEIGHBOURS_MAX: usize = 128;

/// The least rows of the classes above the lowest. A block of the highest is long enough.
const CLASSES: [usize; 3] = [16, 256, 4096];

/// How long a block is, and from when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockExtent {
    /// How many rows it has.
    pub rows: u32,
    /// The earliest instant.
    pub first_at: Timestamp,
    /// The latest instant.
    pub last_at: Timestamp,
}

/// How many of a device's newest blocks should become one; 0 when none should. `newest` are the last
/// blocks of a month, the newest first.
#[must_use]
pub fn blocks_to_merge(newest: &[BlockExtent]) -> usize {
    // A border that the merged block would have again ends what can be merged.
    let borders = newest.windows(2).take_while(|pair| {
        let (newer, older) = (pair[0], pair[1]);
        blocks::shares(older.rows as usize, older.last_at, newer.first_at)
    });
    let within = newest.get(..=borders.count()).unwrap_or_default();
    for class_end in CLASSES {
        let lower = within
            .iter()
            .take_while(|block| (block.rows as usize) < class_end);
        let (mut count, mut rows) = (0, 0);
        for block in lower {
            if rows + block.rows as usize > BLOCK_ROWS_MAX {
                break;
            }
            count += 1;
            rows += block.rows as usize;
        }
        if count > 1 && rows >= class_end {
            return count;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn extent(rows: u32, first_minute: i64, last_minute: i64) -> BlockExtent {
        BlockExtent {
            rows,
            first_at: Timestamp::from_micros(first_minute * MINUTE),
            last_at: Timestamp::from_micros(last_minute * MINUTE),
        }
    }

    /// Adds a block a minute, merges what should be, and says how many blocks are left and how often
    /// a row was written on average.
    fn simulate(lengths: impl Iterator<Item = u32>) -> (usize, f64) {
        let mut blocks: Vec<BlockExtent> = Vec::new();
        let (mut arrived, mut written) = (0, 0);
        for (minute, rows) in (0..).zip(lengths) {
            blocks.push(extent(rows, minute, minute));
            arrived += u64::from(rows);
            written += u64::from(rows);
            loop {
                let newest: Vec<_> = blocks.iter().rev().take(NEIGHBOURS_MAX).copied().collect();
                let count = blocks_to_merge(&newest);
                if count == 0 {
                    break;
                }
                let merged = blocks.split_off(blocks.len() - count);
                let rows = merged.iter().map(|block| block.rows).sum();
                written += u64::from(rows);
                let (first, last) = (merged[0], merged[merged.len() - 1]);
                blocks.push(BlockExtent {
                    rows,
                    first_at: first.first_at,
                    last_at: last.last_at,
                });
            }
        }
        (blocks.len(), written as f64 / arrived as f64)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_lengths_come_few_blocks_are_left_and_rows_are_seldom_written(
            lengths in prop_oneof![
                proptest::collection::vec(1..40_u32, 1..1_400),
                proptest::collection::vec(15..17_u32, 1..1_400),
                proptest::collection::vec(prop_oneof![9 => Just(6_u32), 1 => Just(300)], 1..1_400),
                proptest::collection::vec(1..3_u32, 1..1_400),
            ],
        ) {
            let rows: u32 = lengths.iter().sum();
            let (blocks, writes) = simulate(lengths.into_iter());
            let long = rows as usize / CLASSES[2] + 1;
            prop_assert!(blocks <= 3 * long + 64, "{} blocks of {} rows", blocks, rows);
            prop_assert!(writes <= 4.0, "each row was written {} times", writes);
        }
    }

    #[test]
    fn a_border_between_days_stays_where_blocks_are_long_enough() {
        let day = 24 * 60;
        let days = [2, 1, 0].map(|start| extent(1440, start * day, start * day + day - 1));
        assert_eq!(blocks_to_merge(&days), 0);
        let slow: Vec<_> = (0..20)
            .rev()
            .map(|hour| extent(1, hour * 60, hour * 60))
            .collect();
        assert_eq!(blocks_to_merge(&slow), 20);
        assert_eq!(blocks_to_merge(&slow[..15]), 0);
        assert_eq!(blocks_to_merge(&[]), 0);
    }
}
