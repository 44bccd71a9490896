//! Work that this process does once at a time for each key.

use std::{collections::HashSet, hash::Hash, sync::Arc};

use parking_lot::Mutex;

/// The keys whose work is running. Clones are the same.
#[derive(Debug)]
pub struct Exclusive<K>(Arc<Mutex<HashSet<K>>>);

/// Running work, until it is dropped.
#[derive(Debug)]
pub struct Running<K: Eq + Hash> {
    key: K,
    all: Arc<Mutex<HashSet<K>>>,
}

impl<K> Default for Exclusive<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Copy + Eq + Hash> Exclusive<K> {
    /// Begins the work of `key`, or returns `None` if it is running already.
    #[must_use]
    pub fn begin(&self, key: K) -> Option<Running<K>> {
        self.0.lock().insert(key).then(|| Running { key, all: Arc::clone(&self.0) })
    }
}

impl<K: Eq + Hash> Drop for Running<K> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}
