//! The places in the hashing queue, and who may take one (ASVS 2.4.1): most are for all clients, some for networks
//! that have none, and some for browsers that have signed in to the account before.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use parking_lot::Mutex;

use super::job_queue::Lane;
use crate::{client::Network, identity::AccountId};

/// Slots beyond those for all clients, for networks that have no job in the queue.
const RESERVED_FOR_NEW_NETWORKS: usize = 16;
/// Slots for known browsers.
const RESERVED_FOR_KNOWN_DEVICES: usize = 16;
/// Slots for the known browsers of one account: a person can register and sign in from many browsers, and must not take
/// the slots of all other accounts with them.
const MAX_PER_ACCOUNT: usize = 2;

/// Who makes an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A browser that has signed in to this account before, which is the account of the attempt. It has slots of its
    /// own and is taken first, so that the owner gets in during a flood. The caller looks the account up before it
    /// reserves, because a device cookie for another account proves nothing.
    KnownDevice(AccountId),
    /// Any other client.
    UnknownDevice,
}

/// What a slot is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Network(Network),
    Account(AccountId),
}

impl Holder {
    /// Returns the holder of a slot for unknown devices: for IPv6 the site, because one subscriber may have all of it.
    fn unknown(network: Network) -> Self {
        Self::Network(network.site().unwrap_or(network))
    }

    fn lane(self) -> Lane {
        match self {
            Self::Network(_) => Lane::Unknown,
            Self::Account(_) => Lane::Known,
        }
    }
}

/// Counts the slots of all jobs that wait or run. Clones share the counts.
#[derive(Clone)]
pub(super) struct Slots {
    taken: Arc<Mutex<HashMap<Holder, usize>>>,
    /// The slots that any unknown device may take; the reserved ones are additional.
    shared: usize,
}

/// A slot, taken until it is dropped.
pub(super) struct Slot {
    holder: Holder,
    taken: Arc<Mutex<HashMap<Holder, usize>>>,
}

impl Slots {
    pub(super) fn new(shared: usize) -> Self {
        Self { taken: Arc::default(), shared }
    }

    /// Takes a slot, or returns `None` if this attempt gets none. A known browser that finds no slot of its own counts
    /// as an unknown device.
    pub(super) fn try_take(&self, network: Network, priority: Priority) -> Option<Slot> {
        let mut taken = self.taken.lock();
        let in_lane = |lane| taken.iter().filter(|(holder, _)| holder.lane() == lane).map(|(_, slots)| slots).sum();
        let held_by = |holder| taken.get(&holder).copied().unwrap_or_default();
        let (known, unknown): (usize, usize) = (in_lane(Lane::Known), in_lane(Lane::Unknown));

        let holder = Holder::unknown(network);
        let holder = match priority {
            Priority::KnownDevice(account)
                if known < RESERVED_FOR_KNOWN_DEVICES && held_by(Holder::Account(account)) < MAX_PER_ACCOUNT =>
            {
                Holder::Account(account)
            }
            _ if unknown < self.shared => holder,
            _ if unknown < self.shared + RESERVED_FOR_NEW_NETWORKS && held_by(holder) == 0 => holder,
            _ => return None,
        };
        *taken.entry(holder).or_default() += 1;
        Some(Slot { holder, taken: Arc::clone(&self.taken) })
    }
}

impl Slot {
    /// Returns the lane in which the job waits.
    pub(super) fn lane(&self) -> Lane {
        self.holder.lane()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Entry::Occupied(mut slots) = self.taken.lock().entry(self.holder) {
            *slots.get_mut() -= 1;
            if *slots.get() == 0 {
                slots.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u8) -> Network {
        Network::of([192, 0, 2, number].into())
    }

    #[test]
    fn network_that_fills_the_queue_leaves_slots_for_other_networks() {
        let slots = Slots::new(4);
        let flood: Vec<_> = (0..10).filter_map(|_| slots.try_take(network(0), Priority::UnknownDevice)).collect();
        assert_eq!(flood.len(), 4);
        let others: Vec<_> =
            (1..=20).filter_map(|other| slots.try_take(network(other), Priority::UnknownDevice)).collect();
        assert_eq!(others.len(), RESERVED_FOR_NEW_NETWORKS);
        assert!(slots.try_take(network(1), Priority::UnknownDevice).is_none());
        drop(others);
        assert!(slots.try_take(network(1), Priority::UnknownDevice).is_some(), "a dropped slot is free again");
    }

    #[test]
    fn known_device_has_a_slot_when_unknown_devices_have_taken_all_of_theirs() {
        let slots = Slots::new(4);
        let _flood: Vec<_> =
            (0..99).filter_map(|other| slots.try_take(network(other), Priority::UnknownDevice)).collect();
        assert!(slots.try_take(network(100), Priority::UnknownDevice).is_none());
        let known = slots.try_take(network(100), Priority::KnownDevice(AccountId::new())).unwrap();
        assert_eq!(known.lane(), Lane::Known);
    }

    #[test]
    fn one_account_cannot_take_the_slots_of_all_known_devices() {
        let slots = Slots::new(4);
        let (one, other) = (AccountId::new(), AccountId::new());
        let take = |account| slots.try_take(network(1), Priority::KnownDevice(account));
        let taken: Vec<_> = (0..99).filter_map(|_| take(one)).collect();
        let lanes = taken.iter().filter(|slot| slot.lane() == Lane::Known);
        assert_eq!((lanes.count(), taken.len()), (MAX_PER_ACCOUNT, MAX_PER_ACCOUNT + 4), "then it counts as unknown");
        assert_eq!(take(other).unwrap().lane(), Lane::Known);
    }

    #[test]
    fn known_devices_do_not_take_slots_of_unknown_devices() {
        let slots = Slots::new(4);
        let known = |_| slots.try_take(network(1), Priority::KnownDevice(AccountId::new()));
        let _known: Vec<_> = (0..RESERVED_FOR_KNOWN_DEVICES).map(|number| known(number).unwrap()).collect();
        let unknown = (0..4).map(|_| slots.try_take(network(2), Priority::UnknownDevice));
        assert!(unknown.collect::<Option<Vec<_>>>().is_some());
    }
}
