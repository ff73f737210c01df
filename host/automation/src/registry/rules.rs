//! The rules of the database beside the extensions of the folders.

use std::sync::{Arc, Mutex, MutexGuard};

use arc_swap::ArcSwap;
use warbler_app::hook::EventHook;
use warbler_domain::extension::{
    ExtensionFault, ExtensionKind, ExtensionState, ExtensionStatus, Grants, Hook, OperatorGrants,
};
use warbler_domain::rule::Rule;
use warbler_domain::{Clock, EventKind, ExtensionName, Generation, Timestamp};

use super::RegistryConfig;
use super::granted::Granted;
use crate::effects::Rate;
use crate::filter::Filter;
use crate::health::Health;
use crate::manifest::DEFAULT_ORDER;
use crate::profile::{KvSpace, Profile};
use crate::rules::{Book, NAME, RulesHook};
use crate::secrets::Secrets;
use crate::services::Services;

/// Holds the rules and what they are granted, and makes the hook of both.
pub(super) struct Keeper {
    name: ExtensionName,
    hook: ArcSwap<RulesHook>,
    /// One change at a time.
    granted: Mutex<Granted>,
    health: Arc<Health>,
    services: Arc<Services>,
    rate: Arc<Rate>,
    clock: Arc<dyn Clock>,
    since: Mutex<Timestamp>,
    fault: Mutex<Option<ExtensionFault>>,
}

impl Keeper {
    /// No rules yet; nothing when the extension's own name were none.
    pub(super) fn new(config: &RegistryConfig, services: Arc<Services>) -> Option<Self> {
        let name: ExtensionName = NAME.parse().ok()?;
        let granted = Granted {
            config: config.grants.clone(),
            runtime: config.runtime_grants.clone(),
            others: config.default_grants.clone(),
        };
        let limits = config.limits.quarantine.clone();
        let health = Health::new(name.clone(), Arc::clone(&config.clock), limits);
        let rate = Arc::<Rate>::default();
        let profile = profile(&name, granted.to(&name), &rate);
        let hook = RulesHook::new(
            Arc::default(),
            profile,
            Arc::clone(&health),
            Arc::clone(&services),
        );
        Some(Self {
            hook: ArcSwap::from_pointee(hook),
            granted: Mutex::new(granted),
            health,
            services,
            rate,
            since: Mutex::new(config.clock.now()),
            clock: Arc::clone(&config.clock),
            fault: Mutex::default(),
            name,
        })
    }

    /// Takes over the rules there are now.
    pub(super) fn set(&self, rules: &[Arc<Rule>]) {
        let granted = lock(&self.granted);
        let book = Book::new(rules, self.hook.load().book());
        self.put(Arc::new(book), &granted);
        *lock(&self.since) = self.clock.now();
        *lock(&self.fault) = None;
    }

    /// Takes over what is granted at runtime.
    pub(super) fn grant(&self, wanted: OperatorGrants) {
        let mut granted = lock(&self.granted);
        granted.grant(&self.name, wanted);
        let book = Arc::clone(self.hook.load().book());
        self.put(book, &granted);
    }

    fn put(&self, book: Arc<Book>, granted: &Granted) {
        let profile = profile(&self.name, granted.to(&self.name), &self.rate);
        let hook = RulesHook::new(
            book,
            profile,
            Arc::clone(&self.health),
            Arc::clone(&self.services),
        );
        self.hook.store(Arc::new(hook));
    }

    pub(super) fn hook(&self) -> Arc<RulesHook> {
        self.hook.load_full()
    }

    /// The extension's name.
    pub(super) fn name(&self) -> &ExtensionName {
        &self.name
    }

    /// Notes what went wrong at an event.
    pub(super) fn note(&self, fault: &ExtensionFault) {
        self.health.usage().failed(&fault.code);
        *lock(&self.fault) = Some(fault.clone());
    }

    /// The chain with the rules at their place, by order and then by name.
    pub(super) fn within(
        &self,
        chain: &[Arc<dyn EventHook>],
        order_of: impl Fn(&ExtensionName) -> i32,
    ) -> Arc<[Arc<dyn EventHook>]> {
        if self.hook.load().book().is_empty() {
            return chain.into();
        }
        let own = (DEFAULT_ORDER, &self.name);
        let before = |hook: &&Arc<dyn EventHook>| (order_of(hook.name()), hook.name()) < own;
        let first = chain.iter().take_while(before).count();
        let hook = self.hook() as Arc<dyn EventHook>;
        let mut all = chain.to_vec();
        all.insert(first.min(all.len()), hook);
        all.into()
    }

    /// How they are; nothing where there is no database to hold rules.
    pub(super) fn status(&self) -> Option<ExtensionStatus> {
        let hook = self.hook.load();
        let profile = hook.profile();
        hook.book().is_set().then(|| ExtensionStatus {
            name: self.name.clone(),
            kind: ExtensionKind::Rules,
            path: "/v1/rules".to_owned(),
            state: ExtensionState::Active,
            generation: Some(profile.generation.clone()),
            loaded_at: Some(*lock(&self.since)),
            order: DEFAULT_ORDER,
            hooks: vec![Hook::Event],
            events: profile.filter.events.clone(),
            grants: profile.grants.clone(),
            withheld: Grants::default(),
            asked: Grants::default(),
            usage: self.health.usage().shown(),
            quarantined_until: None,
            last_error: lock(&self.fault).clone(),
        })
    }
}

/// Rules ask for nothing themselves: what the operator grants is what holds.
fn profile(name: &ExtensionName, grants: Grants, rate: &Arc<Rate>) -> Profile {
    let events = [EventKind::MESSAGE_RECEIVED, EventKind::GROUP_UPDATED];
    Profile {
        name: name.clone(),
        generation: Generation::of_digest(&[0; 32]),
        file: std::path::PathBuf::new(),
        order: DEFAULT_ORDER,
        filter: Filter {
            events: events.map(|kind| kind.as_str().to_owned()).to_vec(),
            ..Filter::default()
        },
        grants,
        withheld: Grants::default(),
        secrets: Secrets::default(),
        kv: KvSpace::Session,
        rate: Arc::clone(rate),
        config: "{}".into(),
        rehearsal: None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
