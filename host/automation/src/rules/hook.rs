//! The rules of the database, as the one extension that is built in.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use warbler_app::hook::{EventHook, HookCall, HookOutcome, RuleTrial};
use warbler_domain::extension::{ExtensionKind, Grants};
use warbler_domain::rule::{Condition, Rule};
use warbler_domain::session::Called;
use warbler_domain::{Event, EventKind, ExtensionName, Generation, SessionId, UserId};

use super::{RuleSet, run, trial};
use crate::effects::passed;
use crate::fixture::Rehearsal;
use crate::health::Health;
use crate::profile::Profile;
use crate::services::Services;

/// Rules up to which a set is compiled where the event is; more are compiled beside the runtime.
const COMPILED_IN_PLACE: usize = 100;

/// For which sessions rules are: one, all of a user's, or every one.
type Reach = (Option<SessionId>, Option<UserId>);

/// All rules of the database, put together by the sessions they are for.
#[derive(Default)]
pub(crate) struct Book {
    sets: HashMap<Reach, Arc<Lazy>>,
    generation: Option<Generation>,
    members: bool,
}

/// Rules for the same sessions, compiled when the first event comes.
struct Lazy {
    rules: Vec<Arc<Rule>>,
    set: OnceLock<Arc<RuleSet>>,
}

impl Book {
    /// These rules, which are in order. What did not change since `before` is not compiled again.
    pub(crate) fn new(rules: &[Arc<Rule>], before: &Self) -> Self {
        let mut digest = Sha256::new();
        let mut by_reach: HashMap<Reach, Vec<Arc<Rule>>> = HashMap::new();
        let mut members = false;
        for rule in rules {
            digest.update(rule.id.as_bytes());
            digest.update(rule.updated_at.as_millis().to_be_bytes());
            let is = |one: &Condition| matches!(one, Condition::NewMember);
            members |= rule.enabled && rule.spec.when.iter().any(|one| one.has(is));
            let reach = (rule.session, rule.owner);
            by_reach.entry(reach).or_default().push(Arc::clone(rule));
        }
        let sets = by_reach.into_iter().map(|(reach, rules)| {
            let same = before.sets.get(&reach).filter(|known| {
                let pairs = known.rules.iter().zip(&rules);
                known.rules.len() == rules.len()
                    && pairs.into_iter().all(|(a, b)| Arc::ptr_eq(a, b))
            });
            let set = same.cloned().unwrap_or_else(|| {
                Arc::new(Lazy {
                    rules,
                    set: OnceLock::new(),
                })
            });
            (reach, set)
        });
        Self {
            sets: sets.collect(),
            generation: Some(Generation::of_digest(&digest.finalize().into())),
            members,
        }
    }

    /// Whether there is a database whose rules these are.
    pub(crate) fn is_set(&self) -> bool {
        self.generation.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The sets an event of this session of this user is for.
    async fn of(&self, session: SessionId, owner: Option<UserId>) -> Vec<Arc<RuleSet>> {
        let reaches = [(Some(session), owner), (None, owner), (None, None)];
        let many = if owner.is_none() { 2 } else { 3 };
        let mut sets = Vec::with_capacity(many);
        for reach in reaches.iter().take(many) {
            if let Some(lazy) = self.sets.get(reach) {
                sets.extend(compiled(lazy).await);
            }
        }
        sets
    }
}

async fn compiled(lazy: &Arc<Lazy>) -> Option<Arc<RuleSet>> {
    if let Some(set) = lazy.set.get() {
        return Some(Arc::clone(set));
    }
    let compile = |lazy: &Lazy| {
        let set = lazy
            .set
            .get_or_init(|| Arc::new(RuleSet::of_rules(&lazy.rules)));
        Arc::clone(set)
    };
    if lazy.rules.len() <= COMPILED_IN_PLACE {
        return Some(compile(lazy));
    }
    let lazy = Arc::clone(lazy);
    // It fails only when the runtime is shutting down.
    tokio::task::spawn_blocking(move || compile(&lazy))
        .await
        .ok()
}

/// The rules of the database as they are at one time, under the grants of that time.
pub(crate) struct RulesHook {
    book: Arc<Book>,
    profile: Arc<Profile>,
    health: Arc<Health>,
    services: Arc<Services>,
}

impl RulesHook {
    pub(crate) fn new(
        book: Arc<Book>,
        mut profile: Profile,
        health: Arc<Health>,
        services: Arc<Services>,
    ) -> Self {
        if let Some(generation) = &book.generation {
            profile.generation = generation.clone();
        }
        Self {
            book,
            profile: Arc::new(profile),
            health,
            services,
        }
    }

    pub(crate) fn book(&self) -> &Arc<Book> {
        &self.book
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What the rules, or this one alone, make of an event; nothing is carried out.
    pub(crate) async fn try_on(&self, call: &HookCall, only: Option<Arc<Rule>>) -> RuleTrial {
        let sets = match only {
            Some(rule) => vec![Arc::new(RuleSet::of_rules(&[rule]))],
            None => self.book.of(call.event.session, call.owner).await,
        };
        let mut profile = Profile::clone(&self.profile);
        profile.rate = Arc::default();
        // What rules post goes nowhere.
        profile.rehearsal = Some(Arc::new(Rehearsal::obliging(call.now)));
        trial(&sets, call, &Arc::new(profile), &self.services).await
    }
}

#[async_trait]
impl EventHook for RulesHook {
    fn name(&self) -> &ExtensionName {
        &self.profile.name
    }

    fn kind(&self) -> ExtensionKind {
        ExtensionKind::Rules
    }

    fn generation(&self) -> &Generation {
        &self.profile.generation
    }

    fn grants(&self) -> &Grants {
        &self.profile.grants
    }

    fn wants(&self, event: &Event) -> bool {
        !self.book.is_empty()
            && self.profile.wants(event)
            && (self.book.members || event.kind() == EventKind::MESSAGE_RECEIVED)
    }

    fn why_not(&self, event: &Event, session: Called<'_>) -> Option<String> {
        if self.book.is_empty() {
            return Some("there are no rules".to_owned());
        }
        if !self.wants(event) {
            return Some("no rule is about this kind of event".to_owned());
        }
        self.profile.why_not(event, session)
    }

    async fn handle(&self, call: HookCall) -> HookOutcome {
        if !self.profile.admits_session(call.session()) {
            return passed();
        }
        let _running = self.health.usage().running();
        let sets = self.book.of(call.event.session, call.owner).await;
        let outcome = run(&sets, &call, &self.profile, &self.services).await;
        let outcome = outcome.unwrap_or_else(passed);
        self.health
            .usage()
            .called(&outcome.cost, outcome.actions.len());
        outcome
    }
}
