//! Remembers which names each message of a batch used, to tell which messages a refusal hits.

use hashbrown::HashMap;

use super::{Batch, BatchError};

/// A message of a batch, by its place in the order of [`super::BatchBuilder::push`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageRef(pub(super) u32);

impl MessageRef {
    /// The place, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What kind of name the database refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A device.
    Device,
    /// A metric.
    Metric,
}

impl EntryKind {
    /// What SQL calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Metric => "metric",
        }
    }

    /// The kind that SQL calls `name`: `device` or `metric`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "device" => Some(Self::Device),
            "metric" => Some(Self::Metric),
            _ => None,
        }
    }
}

/// A name that the database refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEntry {
    /// What it names.
    pub kind: EntryKind,
    /// Its ordinal in the batch, from 1 as SQL counts.
    pub ordinal: u32,
    /// Why: a code such as `device.unknown`.
    pub code: String,
}

/// Which device and metrics each message of a finished batch names.
#[derive(Clone, Debug, Default)]
pub struct BatchSummary {
    pub(super) messages: Vec<MessageNames>,
    pub(super) metrics: Vec<u32>,
}

/// The names of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageNames {
    pub(super) device: u32,
    /// The end of its metrics in [`BatchSummary::metrics`]; they begin where the last one's end.
    pub(super) metrics_end: usize,
}

impl BatchSummary {
    /// Reads which names the messages of `batch` use.
    ///
    /// # Errors
    /// [`BatchError::Layout`] when the batch is corrupt.
    pub fn read(batch: &Batch<'_>) -> Result<Self, BatchError> {
        let mut summary = Self::default();
        let mut messages = batch.messages();
        while let Some(message) = messages.next_message()? {
            messages.read_metrics(&message, |metric| summary.metrics.push(metric))?;
            summary.messages.push(MessageNames {
                device: message.device,
                metrics_end: summary.metrics.len(),
            });
        }
        Ok(summary)
    }

    /// Whether each metric, by ordinal, is used by a message of a device that has a number.
    #[must_use]
    pub fn metrics_used(&self, device_numbers: &[Option<i32>]) -> Vec<bool> {
        let mut used = Vec::new();
        for (device, metrics) in self.names() {
            if device_numbers
                .get(device as usize)
                .is_some_and(Option::is_some)
            {
                for &metric in metrics {
                    let metric = metric as usize;
                    used.resize(used.len().max(metric + 1), false);
                    used[metric] = true;
                }
            }
        }
        used
    }

    /// Device and metrics of each message, by ordinal, in the order of pushing.
    fn names(&self) -> impl Iterator<Item = (u32, &[u32])> {
        let mut metrics_start = 0;
        self.messages.iter().map(move |names| {
            let metrics = self.metrics.get(metrics_start..names.metrics_end);
            metrics_start = names.metrics_end;
            (names.device, metrics.unwrap_or_default())
        })
    }

    /// How many messages were pushed.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    /// The messages that the database left out because of `refused`, in the order of pushing,
    /// each with the first entry that hits it (its device before its metrics).
    #[must_use]
    pub fn messages_hit<'r>(
        &self,
        refused: &'r [RefusedEntry],
    ) -> Vec<(MessageRef, &'r RefusedEntry)> {
        let entries = refused
            .iter()
            .map(|entry| ((entry.kind, entry.ordinal), entry));
        let refusals: HashMap<_, _> = entries.collect();
        let refusal = |kind, ordinal: u32| refusals.get(&(kind, ordinal + 1)).copied();
        let mut hits = Vec::new();
        for (message, (device, metrics)) in (0..).map(MessageRef).zip(self.names()) {
            let hit = refusal(EntryKind::Device, device).or_else(|| {
                metrics
                    .iter()
                    .find_map(|&metric| refusal(EntryKind::Metric, metric))
            });
            hits.extend(hit.map(|entry| (message, entry)));
        }
        hits
    }
}
