//! Making rules, changing them, and putting them in order.

use std::collections::HashSet;
use std::sync::Arc;

use tracing::info;
use warbler_domain::rule::{Condition, RuleAction, RuleName, Span};
use warbler_domain::{Caller, Rule, RuleId, RuleSpec, Scope, SessionRef};
use warbler_store::Writer;
use warbler_store::audit::AuditEntry;

use super::{RuleError, Rules};
use crate::audit;
use crate::idempotency::{Claim, Record};
use crate::sessions::usable_by;

/// A rule to make.
#[derive(Debug, Clone)]
pub struct CreateRule {
    /// The session it is for; all that the caller has, when absent.
    pub session: Option<SessionRef>,
    /// What it says.
    pub spec: RuleSpec,
    /// Whether it is looked at from the start.
    pub enabled: bool,
}

/// What is to be different about a rule; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateRule {
    /// What it is called.
    pub name: Option<RuleName>,
    /// Its place.
    pub order: Option<i32>,
    /// Whether it is looked at.
    pub enabled: Option<bool>,
    /// What must hold; all of it.
    pub when: Option<Vec<Condition>>,
    /// What is done; all of it.
    pub then: Option<Vec<RuleAction>>,
    /// How long it rests, or that it does not.
    pub cooldown: Option<Option<Span>>,
    /// Whether case and accents count.
    pub match_case: Option<bool>,
    /// Whether later rules are looked at as well.
    pub continues: Option<bool>,
}

impl UpdateRule {
    fn applied_to(self, spec: RuleSpec) -> Result<RuleSpec, RuleError> {
        let mut parts = spec.into_parts();
        parts.name = self.name.unwrap_or(parts.name);
        parts.order = self.order.unwrap_or(parts.order);
        parts.when = self.when.unwrap_or(parts.when);
        parts.then = self.then.unwrap_or(parts.then);
        parts.cooldown = self.cooldown.unwrap_or(parts.cooldown);
        parts.match_case = self.match_case.unwrap_or(parts.match_case);
        parts.continues = self.continues.unwrap_or(parts.continues);
        Ok(RuleSpec::new(parts)?)
    }
}

impl Rules {
    /// Makes one, with a `claim` once; it holds for the next event.
    pub async fn create(
        &self,
        caller: &Caller,
        command: CreateRule,
        claim: Option<Claim>,
    ) -> Result<Rule, RuleError> {
        caller.require(Scope::Manage)?;
        let session = match &command.session {
            Some(wanted) => {
                let session = usable_by(&self.shared, caller, wanted, Scope::Manage).await?;
                Some((session.id, session.owner))
            }
            None if caller.reach().only.is_some() => return Err(RuleError::SessionRequired),
            None => None,
        };
        let now = self.shared.clock.now();
        let rule = Rule {
            id: RuleId::new(now, &self.shared.random),
            owner: session.map_or(caller.reach().owner, |(_, owner)| owner),
            session: session.map(|(id, _)| id),
            enabled: command.enabled,
            spec: command.spec,
            created_at: now,
            updated_at: now,
        };
        let record = claim
            .as_ref()
            .map(|claim| claim.record(&rule))
            .transpose()?;
        let made = vec![rule.clone()];
        self.put(caller, "rule.create", made, record).await?;
        info!(rule.id = %rule.id, caller = caller.label(), "A rule was made");
        Ok(rule)
    }

    /// Changes one.
    pub async fn update(
        &self,
        caller: &Caller,
        id: RuleId,
        command: UpdateRule,
    ) -> Result<Rule, RuleError> {
        let mut rule = self.visible(caller, id)?;
        rule.enabled = command.enabled.unwrap_or(rule.enabled);
        rule.spec = command.applied_to(rule.spec)?;
        rule.updated_at = self.shared.clock.now();
        let changed = vec![rule.clone()];
        self.put(caller, "rule.update", changed, None).await?;
        Ok(rule)
    }

    /// Takes one away.
    pub async fn delete(&self, caller: &Caller, id: RuleId) -> Result<(), RuleError> {
        let rule = self.visible(caller, id)?;
        let entry = self.entry(caller, "rule.delete", &rule);
        let _turn = self.shared.rules.turn.lock().await;
        let gone = self.shared.store.write(move |tx| {
            tx.rules_mut().delete(id)?;
            tx.audit_mut().insert(&entry)
        });
        gone.await.map_err(RuleError::Store)?;
        let all = self.shared.rules.all();
        let rest = all.iter().filter(|rule| rule.id != id).cloned();
        self.now_hold(rest.collect());
        Ok(())
    }

    /// Puts rules into this order, before all others that were given none: they get the orders 1, 2,
    /// 3 and so on.
    pub async fn reorder(&self, caller: &Caller, ids: &[RuleId]) -> Result<Vec<Rule>, RuleError> {
        let distinct: HashSet<&RuleId> = ids.iter().collect();
        if ids.is_empty() || distinct.len() != ids.len() || ids.len() > Rule::MOST {
            return Err(RuleError::BadOrder);
        }
        let now = self.shared.clock.now();
        let mut rules = Vec::with_capacity(ids.len());
        for (place, id) in (1_i32..).zip(ids) {
            let mut rule = self.visible(caller, *id)?;
            let command = UpdateRule {
                order: Some(place),
                ..UpdateRule::default()
            };
            rule.spec = command.applied_to(rule.spec)?;
            rule.updated_at = now;
            rules.push(rule);
        }
        self.put(caller, "rule.order", rules.clone(), None).await?;
        Ok(rules)
    }

    /// Stores rules, new or changed, and has them hold.
    async fn put(
        &self,
        caller: &Caller,
        action: &str,
        rules: Vec<Rule>,
        record: Option<Record>,
    ) -> Result<(), RuleError> {
        let entries: Vec<AuditEntry> = rules
            .iter()
            .map(|rule| self.entry(caller, action, rule))
            .collect();
        let is_new = action == "rule.create";
        let _turn = self.shared.rules.turn.lock().await;
        let all = self.shared.rules.all();
        if rules.iter().any(|rule| rule.spec.has_pattern()) {
            let changed = |id| rules.iter().any(|rule| rule.id == id);
            let others = all.iter().filter(|rule| !changed(rule.id));
            let others = others.filter(|rule| rule.spec.has_pattern()).count();
            if others + rules.len() > Rule::MOST_PATTERNS {
                return Err(RuleError::TooManyPatterns);
            }
        }
        let rows = rules.clone();
        let stored = self.shared.store.write(move |tx| {
            for rule in &rows {
                check(tx, rule, is_new)?;
                tx.rules_mut().put(rule)?;
            }
            for entry in &entries {
                tx.audit_mut().insert(entry)?;
            }
            if let Some(record) = &record {
                record.put(tx)?;
            }
            let (count, bytes) = tx.rules().size()?;
            if count > Rule::MOST || bytes > Self::MOST_BYTES {
                return Err(RuleError::TooMany);
            }
            Ok(())
        });
        stored.await?;
        let mut others: Vec<Arc<Rule>> = all
            .iter()
            .filter(|known| rules.iter().all(|rule| rule.id != known.id))
            .cloned()
            .collect();
        others.extend(rules.into_iter().map(Arc::new));
        self.now_hold(others);
        Ok(())
    }

    fn now_hold(&self, rules: Vec<Arc<Rule>>) {
        self.shared.rules.set(rules);
        self.shared.extensions.set_rules(self.shared.rules.all());
    }

    fn entry(&self, caller: &Caller, action: &str, rule: &Rule) -> AuditEntry {
        let name = rule.spec.name.as_str();
        audit::done(&self.shared, caller, action, rule.id, name)
    }
}

/// Whether a rule may be stored: its name is free, and it is there unless it is new.
fn check(tx: &Writer<'_>, rule: &Rule, is_new: bool) -> Result<(), RuleError> {
    match tx.rules().named(rule)? {
        Some(other) if other != rule.id => {
            return Err(RuleError::NameTaken(rule.spec.name.clone()));
        }
        _ => {}
    }
    // It may have been deleted meanwhile.
    if !is_new && !tx.rules().exists(rule.id)? {
        return Err(RuleError::Unknown(rule.id));
    }
    Ok(())
}
