//! Rules: answers that need no program, made by callers and run beside the extensions.
//!
//! All rules are held in memory, in order, and handed to the extensions whenever one changes: what
//! was answered to the caller holds for the next event. Matching them is the business of
//! [`Extensions::set_rules`](crate::hook::Extensions::set_rules).
//!
//! Invariant: the database changes first, one caller after the other, and memory after it.

mod change;
mod error;
mod handovers;
mod trial;

use std::sync::{Arc, PoisonError, RwLock};

use warbler_domain::page::{Cursor, Page, PageRequest};
use warbler_domain::{Caller, Rule, RuleId, Scope, SessionRef};

use crate::core::Shared;
use crate::sessions::usable_by;

pub use change::{CreateRule, UpdateRule};
pub use error::RuleError;
pub use handovers::HandedOver;
pub use trial::{TrialEvent, TryRules};

/// All rules, as they are handed to the extensions.
pub(crate) struct Book {
    rules: RwLock<Arc<[Arc<Rule>]>>,
    /// Held from before a change is stored until it holds.
    turn: tokio::sync::Mutex<()>,
}

impl Book {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        let mut rules: Vec<Arc<Rule>> = rules.into_iter().map(Arc::new).collect();
        rules.sort_by_key(|rule| rule.place());
        Self {
            rules: RwLock::new(rules.into()),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// All of them, in order.
    pub(crate) fn all(&self) -> Arc<[Arc<Rule>]> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&rules)
    }

    /// Puts others in their place.
    fn set(&self, mut rules: Vec<Arc<Rule>>) {
        rules.sort_by_key(|rule| rule.place());
        let mut all = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        *all = rules.into();
    }
}

/// Forgets the rules of a session, or of a user, that is gone from the database.
pub(crate) async fn keep(shared: &Shared, kept: impl Fn(&Rule) -> bool) {
    let _turn = shared.rules.turn.lock().await;
    let all = shared.rules.all();
    let rest: Vec<_> = all.iter().filter(|rule| kept(rule)).cloned().collect();
    if rest.len() < all.len() {
        shared.rules.set(rest);
        shared.extensions.set_rules(shared.rules.all());
    }
}

/// Rules: what may be asked for.
pub struct Rules {
    shared: Arc<Shared>,
}

impl Rules {
    /// Most bytes of all rules together, as they are stored.
    pub const MOST_BYTES: u64 = 16 * 1024 * 1024;

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Those the caller may see, in order; only those that concern a session, when one is named.
    pub async fn list(
        &self,
        caller: &Caller,
        session: Option<&SessionRef>,
        page: PageRequest,
    ) -> Result<Page<Rule>, RuleError> {
        caller.require(Scope::Manage)?;
        let session = match session {
            Some(wanted) => Some(usable_by(&self.shared, caller, wanted, Scope::Manage).await?),
            None => None,
        };
        let all = self.shared.rules.all();
        let concerns = |rule: &Rule| {
            session.as_ref().is_none_or(|session| match rule.session {
                Some(one) => one == session.id,
                None => rule.owner.is_none() || rule.owner == session.owner,
            })
        };
        let seen = (1_i64..)
            .zip(all.iter())
            .filter(|(_, rule)| concerns(rule) && self.is_visible(caller, rule));
        let after = page.after().map_or(0, |Cursor(place)| place);
        let limit = page.limit() as usize;
        let rows = seen
            .filter(|(place, _)| *place > after)
            .take(limit.saturating_add(1))
            .map(|(place, rule)| (place, Rule::clone(rule)));
        Ok(Page::of_rows(rows.collect(), page.limit()))
    }

    /// One of them.
    pub fn get(&self, caller: &Caller, id: RuleId) -> Result<Rule, RuleError> {
        self.visible(caller, id)
    }

    /// The rule, if it is there for the caller.
    fn visible(&self, caller: &Caller, id: RuleId) -> Result<Rule, RuleError> {
        caller.require(Scope::Manage)?;
        let all = self.shared.rules.all();
        let found = all.iter().find(|rule| rule.id == id);
        found
            .filter(|rule| self.is_visible(caller, rule))
            .map(|rule| Rule::clone(rule))
            .ok_or(RuleError::Unknown(id))
    }

    fn is_visible(&self, caller: &Caller, rule: &Rule) -> bool {
        if caller.reaches_all() {
            return true;
        }
        match rule.session {
            Some(session) => {
                let owner = self.shared.directory.owner(session);
                owner.is_some_and(|owner| caller.may_use(session, owner) && owner == rule.owner)
            }
            // It answers in sessions a key may not have.
            None => caller.reach().only.is_none() && rule.owner == caller.reach().owner,
        }
    }
}
