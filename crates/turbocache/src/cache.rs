//! What all clones of one cache share.

use std::{sync::Arc, time::Instant};

use http::{HeaderMap, HeaderValue, Response, header::CACHE_STATUS, response};
use peregrine_core::CacheStatus;

use crate::{
    admission::{Admission, TargetHash},
    clock::{Clocks, Now},
    flight::{CollapsedRequests, FlightTable, Turns, Unshareable},
    key::{
        Key, KeyParts,
        query::QueryRules,
        search_variance::SearchVariance,
        variances::{Keys, Variances},
        without_query,
    },
    name::CacheName,
    passing::Room,
    policy::{
        Policy,
        request::{Asked, Pass},
        reuse::Reuse,
    },
    stats::{Counters, Stats},
    store::{
        Change, Content, Copies, Entry, Generation, Journal, Later, LookUp, MemoryStore, Near,
        NearCache, Nearby, Purge, Ready, Recorded, Scope, Settled, Shapes, Spot, Storage,
        StorageError, Variants,
    },
};

/// How a cache is set up.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) capacity_bytes: u64,
    pub(crate) max_entry_bytes: u64,
    pub(crate) max_variants: usize,
    pub(crate) max_named_variants: usize,
    pub(crate) policy: Policy,
    pub(crate) query: QueryRules,
    pub(crate) name: CacheName,
    /// Whether the key is told in `Cache-Status`.
    pub(crate) reveal_key: bool,
    pub(crate) clocks: Clocks,
    /// Whether a call goes on for others when its client has left.
    pub(crate) finish_abandoned: bool,
}

impl Config {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            capacity_bytes: 64 * 1024 * 1024,
            max_entry_bytes: 1024 * 1024,
            max_variants: 16,
            max_named_variants: 64,
            policy,
            query: QueryRules::default(),
            name: CacheName::default(),
            reveal_key: false,
            clocks: Clocks::System,
            finish_abandoned: false,
        }
    }
}

/// What comes of something that is to be stored.
pub(crate) enum Inserted {
    Stored(Arc<Entry>),
    /// This is stored, and was asked for later.
    Superseded(Arc<Entry>),
    /// It was invalidated meanwhile.
    Overtaken,
    /// There is nothing to be made of it.
    Useless,
}

#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) config: Config,
    pub(crate) counters: Counters,
    pub(crate) admission: Admission,
    pub(crate) flights: Arc<FlightTable>,
    /// To fetch what is missing of a page, to be given all of it.
    pub(crate) completing: Arc<Turns>,
    /// To fetch a page in the background.
    pub(crate) in_background: Arc<Turns>,
    pub(crate) unshareable: Unshareable,
    pub(crate) collapsed: Arc<CollapsedRequests>,
    pub(crate) journal: Journal,
    pub(crate) variances: Variances,
    pub(crate) shapes: Shapes,
    near: NearCache,
    store: Box<dyn Storage>,
}

impl Cache {
    pub(crate) fn new(config: Config) -> Self {
        let near = NearCache::within(config.capacity_bytes);
        let capacity = config.capacity_bytes - near.capacity();
        let store = MemoryStore::new(capacity, config.max_named_variants);
        Self::of_two(config, near, Box::new(store))
    }

    /// With nothing before the store.
    #[cfg(test)]
    pub(crate) fn with_store(config: Config, store: Box<dyn Storage>) -> Self {
        Self::of_two(config, NearCache::within(0), store)
    }

    fn of_two(config: Config, near: NearCache, store: Box<dyn Storage>) -> Self {
        Self {
            counters: Counters::default(),
            admission: Admission::new(config.clocks.clone()),
            flights: Arc::default(),
            completing: Arc::default(),
            in_background: Arc::default(),
            collapsed: Arc::default(),
            unshareable: Unshareable::new(config.clocks.monotonic()),
            journal: Journal::new(),
            variances: Variances::new(),
            shapes: Shapes::default(),
            near,
            store,
            config,
        }
    }

    pub(crate) fn now(&self) -> Now {
        self.config.clocks.now()
    }

    /// The time that a look-up needs: reading one clock, not two.
    pub(crate) fn instant(&self) -> Instant {
        self.config.clocks.monotonic()
    }

    /// Where the key of these parts belongs near at hand.
    pub(crate) fn spot(&self, parts: &KeyParts<'_>) -> Spot {
        self.near.spot(parts)
    }

    /// What is stored for the key of these `parts`, if it is asked for so often that it is
    /// near at hand.
    pub(crate) fn near(&self, spot: Spot, parts: &KeyParts<'_>, now: Instant) -> Option<Near<'_>> {
        let nearby = match self.near.get(spot, parts, now) {
            Nearby::Wanted => {
                self.bring_near(spot, &parts.key(), now);
                self.near.get(spot, parts, now)
            }
            nearby => nearby,
        };
        match nearby {
            Nearby::Found(near) => Some(near),
            // There may be nothing to bring, or no room.
            Nearby::Wanted | Nearby::Nothing => None,
        }
    }

    /// In this order: see [`NearCache`].
    #[cold]
    fn bring_near(&self, spot: Spot, exact: &Key, now: Instant) {
        let begun = self.near.begin();
        let keys = self.variances.keys(exact.clone());
        let watch = self.near.watch(begun, &keys);
        if let LookUp::Ready(Some(found)) = self.look_up(&keys) {
            let copies = Copies::new(exact, &found, watch, now);
            self.near.keep(spot, copies);
        }
    }

    /// Something was found for `exact` that was not near at hand.
    pub(crate) fn not_near(&self, spot: Spot, exact: &Key, found: &Variants) {
        self.near.missed(spot, exact, found);
    }

    /// The answer from memory to all who [ask for the page](Asked::is_for_the_page), if
    /// it is fresh, and all there.
    pub(crate) fn ready(&self, key: &Key, entry: &Entry, now: Instant) -> Option<Ready> {
        let Content::Whole(body) = &entry.content else {
            return None;
        };
        let terms = entry.head.terms();
        let Reuse::Fresh { ttl } = terms.reuse(Asked::default(), now) else {
            return None;
        };
        let status = CacheStatus::hit(ttl);
        let mut response = entry.head.respond(body.clone(), now);
        self.say(&mut response, status, Some(key));
        let until = terms.freshness.same_seconds_until(now);
        let received = entry.head.received();
        Some(Ready::new(response, status, received, until))
    }

    /// What is stored for the first of `keys` for which there is anything.
    pub(crate) fn look_up(&self, keys: &Keys) -> LookUp {
        let mut found = LookUp::Ready(None);
        for key in keys.each() {
            found = match found {
                LookUp::Ready(None) => self.store.look_up(key),
                LookUp::Ready(found) => return LookUp::Ready(found),
                LookUp::Later(first) => {
                    LookUp::Later(Box::pin(first_of(first, self.store.look_up(key))))
                }
            };
        }
        found
    }

    /// Stores what `make` makes of what is stored, which may be nothing; unless that, or
    /// what it is `based_on`, was invalidated since `generation`: it need not have the same
    /// labels. Nor does it take the place of what was asked for later: that may be made of
    /// what has changed since.
    pub(crate) fn insert(
        &self,
        key: &Key,
        request: &HeaderMap,
        generation: Generation,
        based_on: Option<&Arc<Entry>>,
        make: &mut dyn FnMut(&Variants) -> Option<Arc<Entry>>,
    ) -> Inserted {
        let is_overtaken = |entry: &Arc<Entry>| {
            based_on.into_iter().chain([entry]).any(|entry| {
                let labels = Some(&entry.head.labels()[..]);
                self.journal.overtook(generation, key, labels)
            })
        };
        let most = self.config.max_variants;
        let mut inserted = Inserted::Useless;
        let storing = self.journal.storing();
        self.store.change(key, &mut |variants| {
            inserted = match make(variants) {
                None => Inserted::Useless,
                Some(entry) if is_overtaken(&entry) => Inserted::Overtaken,
                Some(entry) => match variants.newer_than(&entry, request) {
                    Some(newer) => Inserted::Superseded(Arc::clone(newer)),
                    None => Inserted::Stored(entry),
                },
            };
            match &inserted {
                Inserted::Stored(entry) => Change::Store(variants.with(key, entry, request, most)),
                _ => Change::Keep,
            }
        });
        self.near.changed(key);
        drop(storing);
        inserted
    }

    /// A storable 200 for `exact` says `variance`, or nothing.
    pub(crate) fn learn(&self, exact: &Key, variance: Option<SearchVariance>) {
        if self.variances.learn(exact, variance) {
            self.near.all_changed();
        }
    }

    /// Nothing that is stored for `key` is to be used again.
    pub(crate) fn forget(&self, key: &Key) {
        self.store
            .change(key, &mut |_| Change::Store(Variants::default()));
        self.near.changed(key);
    }

    /// `entry` is not to be used again.
    pub(crate) fn remove(&self, key: &Key, entry: &Arc<Entry>) {
        self.store
            .change(key, &mut |variants| variants.without(entry));
        self.near.changed(key);
    }

    /// How far the journal has come, for what is to be fetched for `key`.
    pub(crate) fn generation(&self, key: &Key) -> Generation {
        let TargetHash { target, path } = self.hash(key.path_and_query());
        // In this order: see `Journal`.
        self.admission.fetches(path);
        self.journal.generation(target, path)
    }

    /// Whether anything may ever have been fetched for a path. If not, there is nothing to
    /// be invalidated.
    pub(crate) fn may_have_fetched(&self, path: &[u8]) -> bool {
        self.admission.may_have_fetched(self.admission.path(path))
    }

    /// Whatever is on its way for a target is not stored. Whether there may be something
    /// that is stored for it, and is to be [purged](Self::purge).
    pub(crate) fn invalidates(&self, target: &str) -> bool {
        self.invalidates_hash(self.hash(target.as_bytes()))
    }

    /// The same for that of a key.
    pub(crate) fn invalidates_key(&self, key: &Key) -> bool {
        self.invalidates_hash(self.hash(key.path_and_query()))
    }

    fn invalidates_hash(&self, TargetHash { target, path }: TargetHash) -> bool {
        if !self.admission.may_have_fetched(path) {
            return false;
        }
        // In this order: see `Journal`.
        self.journal.count(target, path);
        self.admission.may_have_stored(path)
    }

    /// The hashes of a target, and of its path.
    fn hash(&self, target: &[u8]) -> TargetHash {
        let path = without_query(target);
        let hash = self.admission.path(path);
        TargetHash {
            target: if target.len() == path.len() {
                hash
            } else {
                self.admission.path(target)
            },
            path: hash,
        }
    }

    /// What is in `scope` now is not given any more, and what is on its way is not
    /// stored.
    pub(crate) fn purge(&self, scope: &Scope, how: Purge) -> u64 {
        let scope = scope.under(&self.config.query);
        let recorded = self.journal.record(&scope);
        self.remove_recorded(&scope, how, recorded)
    }

    /// The same for a URI that [is invalid](Self::invalidates) already.
    pub(crate) fn purge_invalid(&self, key: Key, how: Purge) -> u64 {
        let TargetHash { target, path } = self.hash(key.path_and_query());
        let scope = Scope::of_key(key).under(&self.config.query);
        let recorded = self.journal.record_counted(&scope, target, path);
        self.remove_recorded(&scope, how, recorded)
    }

    /// In this order: see `Journal`.
    fn remove_recorded(&self, scope: &Scope, how: Purge, recorded: Recorded<'_>) -> u64 {
        let purged = self.store.purge(scope, how);
        drop(recorded);
        self.near.all_changed();
        self.counters.purged.add(purged);
        purged
    }

    /// What is left of `entry`, which was looked up for `keys` when the journal was
    /// `settled` so far: nothing if it may have been purged since then, or what has come in
    /// its place, as the same to be validated.
    pub(crate) fn left_of(
        &self,
        settled: Settled,
        keys: &Keys,
        entry: Arc<Entry>,
        request: &HeaderMap,
    ) -> Option<Arc<Entry>> {
        if self.overtook_found(settled, keys, &entry) {
            self.in_place_of(&entry, keys, request)
        } else {
            Some(entry)
        }
    }

    /// What has come in the place of `entry`, which may have been purged.
    pub(crate) fn in_place_of(
        &self,
        entry: &Entry,
        keys: &Keys,
        request: &HeaderMap,
    ) -> Option<Arc<Entry>> {
        let settled = self.journal.settled();
        let found = self.peek(keys)?;
        let other = found.select(request)?;
        let is_like_it = other.is_whole() == entry.is_whole();
        let is_left = is_like_it && !self.overtook_found(settled, keys, other);
        is_left.then(|| Arc::clone(other))
    }

    fn overtook_found(&self, settled: Settled, keys: &Keys, entry: &Entry) -> bool {
        let labels = entry.head.labels();
        let mut keys = keys.each();
        keys.any(|key| self.journal.overtook_found(settled, key, labels))
    }

    /// What is stored for `keys`, for who can only look now.
    pub(crate) fn peek(&self, keys: &Keys) -> Option<Arc<Variants>> {
        match self.look_up(keys) {
            LookUp::Ready(found) => found,
            LookUp::Later(_) => None,
        }
    }

    /// What is in `scope`, for who wants to look at it.
    pub(crate) fn find(&self, scope: &Scope) -> Vec<Arc<Entry>> {
        self.store.find(&scope.under(&self.config.query))
    }

    pub(crate) fn stats(&self) -> Stats {
        self.counters
            .snapshot(self.store.size(), self.config.capacity_bytes)
    }

    /// Puts word of what the cache did into `response`: as a typed value, and in the
    /// `Cache-Status` field behind what caches further in have put there
    /// (RFC 9211 §2).
    pub(crate) fn say<B>(
        &self,
        response: &mut Response<B>,
        status: CacheStatus,
        key: Option<&Key>,
    ) {
        response.extensions_mut().insert(status);
        let key = key.filter(|_| self.config.reveal_key);
        write(
            response.headers_mut(),
            self.config.name.member(&status, key),
        );
    }

    /// The same for the response to a request that has passed, where no
    /// [word](crate::name::CacheName::word) is made for it.
    #[inline(never)]
    pub(crate) fn say_passed(&self, response: &mut response::Parts, reason: Pass, room: Room) {
        let status = reason.status();
        if room != Room::Unread {
            response.extensions.insert(status);
        }
        let line = self.config.name.member(&status, None);
        response.headers.append(CACHE_STATUS, line);
    }
}

/// Writes the `Cache-Status` of this cache.
fn write(headers: &mut HeaderMap, line: HeaderValue) {
    match headers.iter_mut().next() {
        // The place that a stored head keeps for it.
        Some((name, place)) if name == CACHE_STATUS && place.is_empty() => *place = line,
        _ => {
            headers.append(CACHE_STATUS, line);
        }
    }
}

/// What `first` finds, or else `second`. Either may take its time.
async fn first_of(first: Later, second: LookUp) -> Result<Option<Arc<Variants>>, StorageError> {
    if let Some(found) = first.await? {
        return Ok(Some(found));
    }
    match second {
        LookUp::Ready(found) => Ok(found),
        LookUp::Later(second) => second.await,
    }
}
