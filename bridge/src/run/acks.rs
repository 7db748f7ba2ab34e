//! Decides which messages may be acknowledged, and in which order.
//!
//! MQTT wants acknowledgements in the order of receipt (section 4.6), while batches may commit in
//! any order. A packet id means something on the connection that brought it only: after a
//! reconnect the broker may give the same id to another message, so ids of earlier connections are
//! dropped, never sent.

use std::collections::VecDeque;

/// Counts the connections of this process; packet ids are unique within one epoch.
pub type Epoch = u32;

/// What a message is acknowledged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The connection that brought the message.
    pub epoch: Epoch,
    /// Its packet id; absent at QoS 0, which nobody acknowledges.
    pub packet_id: Option<u16>,
}

/// A batch that waits for its commit or for those before it.
#[derive(Debug)]
struct Waiting {
    receipts: Vec<Receipt>,
    committed: bool,
}

/// The batches handed to the database, in the order of their messages' receipt.
#[derive(Debug, Default)]
pub struct AckQueue {
    epoch: Epoch,
    /// The number of the batch at the front.
    front: u64,
    batches: VecDeque<Waiting>,
}

/// What may be acknowledged now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Packet ids of the present connection, in the order of receipt.
    pub packet_ids: Vec<u16>,
    /// How many messages were of an earlier connection: the broker sends them again, and they
    /// count once because each reading carries its time.
    pub stale: usize,
    /// How many messages left the queue, with or without a packet id.
    pub messages: usize,
}

impl AckQueue {
    /// A connection was made: what was received before can no longer be acknowledged.
    pub const fn connected(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// Takes the receipts of a batch, in the order of receipt, and gives the batch a number.
    pub fn push(&mut self, receipts: Vec<Receipt>) -> u64 {
        self.batches.push_back(Waiting {
            receipts,
            committed: false,
        });
        self.front + self.batches.len() as u64 - 1
    }

    /// The batch with this number has been committed.
    pub fn commit(&mut self, number: u64) -> Released {
        let place = number
            .checked_sub(self.front)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(batch) = place.and_then(|place| self.batches.get_mut(place)) {
            batch.committed = true;
        }
        let mut released = Released::default();
        while self.batches.front().is_some_and(|batch| batch.committed) {
            let receipts = self
                .batches
                .pop_front()
                .map(|batch| batch.receipts)
                .unwrap_or_default();
            self.front += 1;
            released.messages += receipts.len();
            for receipt in receipts {
                match receipt.packet_id {
                    Some(id) if receipt.epoch == self.epoch => released.packet_ids.push(id),
                    Some(_) => released.stale += 1,
                    None => {}
                }
            }
        }
        released
    }

    /// Whether every batch has been committed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipts(epoch: Epoch, ids: &[u16]) -> Vec<Receipt> {
        ids.iter()
            .map(|&id| Receipt {
                epoch,
                packet_id: Some(id),
            })
            .collect()
    }

    #[test]
    fn a_later_batch_waits_for_the_earlier_one() {
        let mut queue = AckQueue::default();
        queue.connected(1);
        let first = queue.push(receipts(1, &[1, 2]));
        let second = queue.push(receipts(1, &[3]));
        assert_eq!(queue.commit(second), Released::default());
        assert_eq!(queue.commit(first).packet_ids, [1, 2, 3]);
        assert!(queue.is_empty());
    }

    #[test]
    fn receipts_of_an_earlier_connection_are_dropped_and_counted() {
        let mut queue = AckQueue::default();
        queue.connected(1);
        let mut mixed = receipts(1, &[7, 8]);
        mixed.extend(receipts(2, &[7]));
        let batch = queue.push(mixed);
        queue.connected(2);
        let released = queue.commit(batch);
        assert_eq!(
            released,
            Released {
                packet_ids: vec![7],
                stale: 2,
                messages: 3
            }
        );
    }

    #[test]
    fn messages_at_qos_0_leave_without_a_trace() {
        let mut queue = AckQueue::default();
        let batch = queue.push(vec![Receipt {
            epoch: 0,
            packet_id: None,
        }]);
        assert_eq!(
            queue.commit(batch),
            Released {
                messages: 1,
                ..Released::default()
            }
        );
    }

    #[test]
    fn an_unknown_or_repeated_number_changes_nothing() {
        let mut queue = AckQueue::default();
        let first = queue.push(receipts(0, &[1]));
        assert_eq!(queue.commit(first + 5), Released::default());
        assert_eq!(queue.commit(first).packet_ids, [1]);
        assert_eq!(queue.commit(first), Released::default());
        let next = queue.push(receipts(0, &[2]));
        assert_eq!(queue.commit(next).packet_ids, [2]);
    }
}
