//! A table of fixed size in shared memory: an instant for each of many 128-bit keys.
//!
//! Keys are spread over sets of [`WAYS`] places. A set that is full gives up the key with the
//! earliest instant, so that memory is bounded and nothing is ever searched for long. Locks of
//! Postgres guard the sets: a session that ends or fails gives them back, and when one is killed
//! Postgres starts the memory afresh, as it does with all of its own.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use pgrx::pg_sys;

/// Few enough that a set is searched in some nanoseconds, and enough that at half its capacity the
/// table gives up a key in fewer than one of a hundred insertions.
const WAYS: usize = 16;

/// Sets that share a lock; a power of two, and one bit each of a `u128`.
const PARTITIONS: usize = 128;

/// The place of `AddinShmemInitLock` among the locks of Postgres 15 to 17 (`lwlocknames.txt`).
const ADDIN_SHMEM_INIT_LOCK: usize = 21;

/// The instant of a place without a key: earlier than all others.
const FREE: i64 = i64::MIN;

#[repr(C)]
struct Set {
    keys: [u128; WAYS],
    instants: [i64; WAYS],
}

/// What stands before the sets; its alignment is that of all that Postgres gives out.
#[repr(C, align(128))]
struct Header {
    secret: [u8; 16],
    locks: *mut pg_sys::LWLockPadded,
    sets: usize,
    given_up: AtomicU64,
}

/// The table, once Postgres has given it memory.
pub(super) struct SharedTable {
    name: &'static CStr,
    header: AtomicPtr<Header>,
}

/// A table that is there.
#[derive(Clone, Copy)]
pub(super) struct OpenTable<'a> {
    header: *mut Header,
    table: PhantomData<&'a SharedTable>,
}

/// The sets of some keys, which no other session reads or writes meanwhile.
pub(super) struct LockedSets<'a> {
    table: OpenTable<'a>,
    partitions: u128,
}

impl SharedTable {
    /// The table that Postgres knows by `name`, without any memory.
    pub(super) const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            header: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// Asks Postgres for memory for so many keys, and for locks.
    ///
    /// # Safety
    /// Only in `shmem_request_hook`.
    pub(super) unsafe fn request(&self, keys: usize) {
        // SAFETY: the caller's; the name ends with a zero.
        unsafe {
            pg_sys::RequestAddinShmemSpace(size_of_table(sets_of(keys)));
            pg_sys::RequestNamedLWLockTranche(self.name.as_ptr(), PARTITIONS as i32);
        }
    }

    /// Takes the memory, and clears it the first time. Without memory the table stays closed.
    ///
    /// # Safety
    /// Only in `shmem_startup_hook`, after [`Self::request`] of as many keys.
    pub(super) unsafe fn start(&self, keys: usize) {
        let sets = sets_of(keys);
        // SAFETY: the lock guards the creation of shared structures, of which this is one; what is
        // not found is uninitialised, as large as asked for, and written whole before it is used.
        unsafe {
            let lock = &raw mut (*pg_sys::MainLWLockArray.add(ADDIN_SHMEM_INIT_LOCK)).lock;
            pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
            let mut found = false;
            let memory =
                pg_sys::ShmemInitStruct(self.name.as_ptr(), size_of_table(sets), &raw mut found);
            let header = memory.cast::<Header>();
            if header.is_aligned() {
                if !found {
                    header.write(Header {
                        secret: secret(),
                        locks: pg_sys::GetNamedLWLockTranche(self.name.as_ptr()),
                        sets,
                        given_up: AtomicU64::new(0),
                    });
                    for place in 0..sets {
                        header.add(1).cast::<Set>().add(place).write(Set {
                            keys: [0; WAYS],
                            instants: [FREE; WAYS],
                        });
                    }
                }
                self.header.store(header, Ordering::Release);
            }
            pg_sys::LWLockRelease(lock);
        }
    }

    /// The table, or nothing where the library was not there when Postgres started.
    pub(super) fn open(&self) -> Option<OpenTable<'_>> {
        let header = self.header.load(Ordering::Acquire);
        (!header.is_null()).then_some(OpenTable {
            header,
            table: PhantomData,
        })
    }
}

impl<'a> OpenTable<'a> {
    /// Another number at each start of Postgres, known to nobody: with it, who chooses names cannot
    /// choose keys.
    pub(super) fn secret(&self) -> &[u8; 16] {
        &self.header().secret
    }

    /// How many keys have a place.
    pub(super) fn capacity(&self) -> usize {
        self.header().sets * WAYS
    }

    /// How many keys were given up before their time.
    pub(super) fn given_up(&self) -> u64 {
        self.header().given_up.load(Ordering::Relaxed)
    }

    /// Counts a key that was given up before its time.
    pub(super) fn count_given_up(&self) {
        self.header().given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps every other session from the sets of these keys, until the answer is dropped.
    pub(super) fn lock(self, keys: impl Iterator<Item = u128>) -> LockedSets<'a> {
        self.lock_partitions(keys.fold(0, |mask, key| mask | self.partition_of(key)))
    }

    /// Calls `each` with every key and its instant, and forgets them when it says so.
    pub(super) fn visit(self, mut each: impl FnMut(u128, i64) -> bool) {
        for partition in 0..PARTITIONS {
            let _locked = self.lock_partitions(1 << partition);
            for place in (partition..self.header().sets).step_by(PARTITIONS) {
                // SAFETY: the set is one of the table's, and its lock is held.
                let set = unsafe { &mut *self.set(place) };
                for (&key, instant) in set.keys.iter().zip(&mut set.instants) {
                    if *instant != FREE && each(key, *instant) {
                        *instant = FREE;
                    }
                }
            }
        }
    }

    const fn header(&self) -> &'a Header {
        // SAFETY: an open table's header is valid for as long as the process is, and nothing of it
        // but the atomic changes.
        unsafe { &*self.header }
    }

    /// Locks are taken in one order by everybody: nobody waits in a circle.
    fn lock_partitions(self, partitions: u128) -> LockedSets<'a> {
        for lock in self.locks(partitions) {
            // SAFETY: the lock is one of the table's; a session may hold all of them.
            unsafe { pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE) };
        }
        LockedSets {
            table: self,
            partitions,
        }
    }

    fn locks(self, partitions: u128) -> impl Iterator<Item = *mut pg_sys::LWLock> {
        let mut left = partitions;
        std::iter::from_fn(move || {
            let place = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            // SAFETY: there are as many locks as bits, all of them the table's.
            (place < PARTITIONS).then(|| unsafe { &raw mut (*self.header().locks.add(place)).lock })
        })
    }

    /// Mixed, because not every key is a hash (Fibonacci hashing, Knuth 6.4).
    const fn place_of(&self, key: u128) -> usize {
        let folded = (key ^ (key >> 64)) as u64;
        let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        mixed as usize & (self.header().sets - 1)
    }

    const fn partition_of(&self, key: u128) -> u128 {
        1 << (self.place_of(key) % PARTITIONS)
    }

    /// # Safety
    /// `place` is less than the number of sets.
    const unsafe fn set(&self, place: usize) -> *mut Set {
        // SAFETY: the sets follow the header, whose size is a multiple of their alignment.
        unsafe { self.header.add(1).cast::<Set>().add(place) }
    }
}

impl LockedSets<'_> {
    /// The instant of a key, or nothing when it has none.
    pub(super) fn get(&self, key: u128) -> Option<i64> {
        let set = self.set(key);
        // SAFETY: see `set`.
        let set = unsafe { &*set };
        set.keys
            .iter()
            .zip(&set.instants)
            .find(|&(&other, &instant)| other == key && instant != FREE)
            .map(|(_, &instant)| instant)
    }

    /// Gives a key an instant; returns the instant of the key that was given up for it, if any.
    pub(super) fn put(&mut self, key: u128, instant: i64) -> Option<i64> {
        let set = self.set(key);
        // SAFETY: see `set`; the exclusive reference is the only one, as `self` is.
        let set = unsafe { &mut *set };
        let own = set.keys.iter().position(|&other| other == key);
        let earliest = || {
            set.instants
                .iter()
                .enumerate()
                .min_by_key(|&(_, other)| other)
        };
        let place = own.or_else(|| earliest().map(|(place, _)| place))?;
        let (former, kept) = (set.keys.get_mut(place)?, set.instants.get_mut(place)?);
        let given_up = (*former != key && *kept != FREE).then_some(*kept);
        (*former, *kept) = (key, instant);
        given_up
    }

    fn set(&self, key: u128) -> *mut Set {
        let table = self.table;
        assert!(
            table.partition_of(key) & self.partitions != 0,
            "invariant: only sets that were locked are touched"
        );
        // SAFETY: the place is that of a set, and its lock is held.
        unsafe { table.set(table.place_of(key)) }
    }
}

impl Drop for LockedSets<'_> {
    fn drop(&mut self) {
        for lock in self.table.locks(self.partitions) {
            // SAFETY: the lock is held, unless an error of Postgres is on its way, which resets this
            // counter, and which releases all locks itself.
            unsafe {
                if pg_sys::InterruptHoldoffCount > 0 {
                    pg_sys::LWLockRelease(lock);
                }
            }
        }
    }
}

/// A power of two, and at least one set for each lock.
const fn sets_of(keys: usize) -> usize {
    let sets = keys.div_ceil(WAYS).next_power_of_two();
    if sets < PARTITIONS { PARTITIONS } else { sets }
}

const fn size_of_table(sets: usize) -> usize {
    size_of::<Header>() + sets * size_of::<Set>()
}

/// # Safety
/// Only where Postgres can raise an error.
unsafe fn secret() -> [u8; 16] {
    let mut secret = [0; 16];
    // SAFETY: as many bytes as there are. Without randomness keys can be guessed, and no more.
    unsafe { pg_sys::pg_strong_random(secret.as_mut_ptr().cast(), secret.len()) };
    secret
}
